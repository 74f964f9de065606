// Made from handlers/openapi.yaml by `npm run types`. Do not edit.

export interface paths {
    "/v1/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Register a person and log them in
         * @description Never fails because of the IM cloud, unless im.registration is rollback. Without a token in time `im` is null; fetch it later. With rollback the registration is taken back then, the answer is `im_unavailable`, and the same request with the same key may be sent again.
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in by username, e-mail address or phone number
         * @description Unknown login and wrong password give the same answer after the same work.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange the refresh token for the next one and a new access token
         * @description Requests that come together with the same token get the same answer. An older token, or the same one after a few
         *     seconds, ends the session.
         */
        post: operations["refreshSession"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End this session, all others, or all
         * @description `others` and `all` also end every connect token of the person.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List one's live sessions, newest first */
        get: operations["sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End one session
         * @description Ending another one also ends every connect token of the person.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One's own profile */
        get: operations["me"];
        put?: never;
        post?: never;
        /**
         * Delete one's own account
         * @description Ends every session and connect token at once. The id is never used again.
         */
        delete: operations["deleteMe"];
        options?: never;
        head?: never;
        /**
         * Change one's own profile
         * @description Fields left out stay. Null or an empty text removes one.
         */
        patch: operations["changeMe"];
        trace?: never;
    };
    "/v1/people": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Find people to write to
         * @description Others whose username begins with `query`, the exact one first, or those of `im_user_ids`. At most 20 people; 30 searches and 120 look-ups by ids a minute.
         */
        get: operations["people"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change one's own password
         * @description Ends every other session and every connect token.
         */
        put: operations["changePassword"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List one's friends
         * @description In an order that stays the same. Friends whom one blocks are listed too.
         */
        get: operations["friends"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a friendship, for both
         * @description Safe to repeat; strangers stay strangers.
         */
        delete: operations["removeFriend"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends/{id}/remark": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set what one calls a friend
         * @description Only the caller sees it.
         */
        put: operations["setRemark"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List requests that wait for an answer, newest first */
        get: operations["friendRequests"];
        put?: never;
        /**
         * Ask somebody to be a friend
         * @description Safe to repeat. Somebody who has asked first is accepted by it. Somebody who blocks the caller never sees the request, and the answer does not tell. At most 3 requests to one person and 100 to all may come to nothing within 24 hours.
         */
        post: operations["requestFriend"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends/requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Withdraw one's own request
         * @description Safe to repeat.
         */
        delete: operations["withdrawRequest"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends/requests/{id}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Become friends
         * @description For the recipient. Safe to repeat.
         */
        post: operations["acceptRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/friends/requests/{id}/decline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Decline a request
         * @description For the recipient. The sender sees only that the request is gone. Safe to repeat.
         */
        post: operations["declineRequest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blocks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List whom one blocks */
        get: operations["blocks"];
        put?: never;
        /**
         * Block several people
         * @description Each as by PUT; who is refused does not keep the others from being blocked. Safe to repeat. Each id counts as one of 120 changes a minute.
         */
        post: operations["blockMany"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blocks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Block somebody
         * @description They cannot write to the caller, nor ask to be a friend. A friendship stays in the list; requests between the two end. Safe to repeat.
         */
        put: operations["blockUser"];
        post?: never;
        /**
         * Unblock somebody
         * @description A friendship that stayed counts again. Safe to repeat.
         */
        delete: operations["unblockUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/im/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the connect token
         * @description The stored one while it is good, otherwise a new one. While the cloud is down a stored token that is still valid
         *     is served. Ask again after `renew_after`, where it is not null.
         */
        get: operations["imToken"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/im/token/refused": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report that the cloud refused the token, and get the next one
         * @description Makes a new token only while the stored one is the one reported; at most 5 a minute for one person.
         */
        post: operations["imTokenRefused"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/callbacks/rongcloud/message": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * RongCloud asks before it delivers what a client sent
         * @description The address to give to the console as that of the pre-messaging callback. Answered within a second. RongCloud asks once,
         *     waits 3 s, and delivers when there is no answer. There only where im.cloud is rongcloud or sandbox.
         *
         *     `pass` is 0 where the recipient blocks the sender, where the sender is banned or deleted or the recipient deleted, and,
         *     with messages.require_friendship, where they are no friends. Messages to groups, from and to whoever is none of our
         *     people, pass. Without the database messages.when_unsure decides.
         */
        post: operations["rongCloudMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/callbacks/easemob/message": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Easemob asks before it delivers what a client sent
         * @description The address to give to the console as that of a rule for callbacks before sending, for single chats. Decided as at
         *     RongCloud, within 150 ms, because Easemob waits 200 ms unless its console says otherwise. There only where im.cloud is
         *     easemob and messages.easemob_secret is set.
         */
        post: operations["easemobMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Log in as an admin */
        post: operations["adminLogin"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The figures that matter, at a glance
         * @description Counts are of the database and some seconds old at most. What is of the last hour was seen by the process that answers, since it started.
         */
        get: operations["overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/lifetimes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How long connect tokens live */
        get: operations["lifetimes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/lifetimes/default": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set the default lifetime
         * @description One row is written, and every stored token is ruled by it at once.
         */
        put: operations["setDefaultLifetime"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/lifetimes/default/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a default lifetime would do */
        post: operations["previewDefaultLifetime"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/lifetimes/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Set one person's lifetime */
        put: operations["setUserLifetime"];
        post?: never;
        /**
         * Take one person's lifetime away
         * @description The default rules them again.
         */
        delete: operations["deleteUserLifetime"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/lifetimes/users/{id}/preview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** What a lifetime would do to one person's token */
        post: operations["previewUserLifetime"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Find people */
        get: operations["users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One person, with sessions and what the cloud must still be told
         * @description The deleted too; what was known of them is gone once the cloud has removed them.
         */
        get: operations["user"];
        put?: never;
        post?: never;
        /**
         * Delete a person
         * @description They are out at once, and their names are free; the cloud is told until it has removed them. The id is never used again.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/users/{id}/ban": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Keep a person out
         * @description Here at once; the cloud is told until it has heard, and cuts their live connections. Their sessions stay for the end
         *     of the ban. Banning the banned changes the reason.
         */
        post: operations["banUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/users/{id}/unban": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Let a banned person in again
         * @description Unbanning somebody who is not banned makes sure that the cloud knows.
         */
        post: operations["unbanUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/users/{id}/end-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log a person out everywhere
         * @description Ends every session and connect token of theirs; they may log in again.
         */
        post: operations["endUserSessions"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/queue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the cloud must still be told
         * @description One row for each kind of change and person, in the order of their making. Rows that are buried failed for a reason
         *     that does not heal by itself: mend it, then retry or drop them.
         */
        get: operations["queue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/queue/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try rows again at once, also buried ones
         * @description Either `ids`, or the first 500 rows of a `state`, a `kind` or both. Harmless to repeat.
         */
        post: operations["retryQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/queue/drop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give rows up
         * @description The cloud is not told; from then on it differs in what they were about. A row whose truth has changed since it was
         *     listed has another id, unless it is under delivery: the old id is gone, and the change stays in the queue.
         */
        post: operations["dropQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/users/{id}/reissue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new connect token for one person
         * @description The answer shows the token's fingerprint, never the token.
         */
        post: operations["reissue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/clouds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The apps at IM clouds, what they can do and how they are */
        get: operations["clouds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/clouds/current/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mark all connect tokens of the app stale
         * @description For after the app secret was replaced at the cloud, which ends them there; the cloud itself is told nothing. New
         *     ones are minted as people come, and for those seen lately in rounds that leave room for logins. Other processes
         *     follow within seconds.
         */
        post: operations["rotateCloud"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/signing-keys/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign access tokens with a new key
         * @description The new key is published at once and signs ten minutes later; the older ones stay until their last token is over.
         *     In an emergency it signs at once and the older ones go, which ends every access token, the caller's too: clients
         *     refresh their sessions, admins log in again. Other processes follow within ten seconds.
         */
        post: operations["rotateSigningKeys"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What was done, newest first
         * @description Rows that fit all that is given. Each is sealed into a chain; `imbridge admin audit verify` walks it.
         */
        get: operations["audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/notices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What an admin should know, newest first
         * @description What does not heal by itself: changes given up on, a cloud that fails or refuses us. The same goes out by webhook and mail where those are set up. People are named by their ids only.
         */
        get: operations["notices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/admin/notices/{id}/resolve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Close a notice
         * @description Nothing more of it is delivered. While it stays true it comes back into the list, but is told again only after notices.quiet. Closing one that is closed does nothing.
         */
        post: operations["resolveNotice"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The public keys of access tokens (RFC 7517)
         * @description A key is published ten minutes before it signs and stays until its last token has run out.
         */
        get: operations["jwks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process runs */
        get: operations["livez"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The process can serve
         * @description Writes and reads a row. A cloud that is down shows as degraded, with 200.
         */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This contract */
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This contract as a page */
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/errors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every code of a problem as a page */
        get: operations["docsErrors"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/static/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The style sheet of the pages */
        get: operations["docsStatic"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Friend: {
            id: components["schemas"]["ID"];
            im_user_id: string;
            username: string;
            nickname: string;
            avatar_url: string;
            /** @description What the caller calls them; only where it was asked for. Empty where there is none. */
            remark?: string;
            /** @description The caller blocks them. */
            blocked: boolean;
            since: components["schemas"]["Time"];
        };
        FriendRequest: {
            id: components["schemas"]["ID"];
            /** @enum {unknown} */
            direction: "incoming" | "outgoing";
            person: components["schemas"]["Person"];
            message: string;
            created_at: components["schemas"]["Time"];
        };
        RequestOutcome: {
            /** @enum {unknown} */
            state: "pending" | "friends";
            /** @description What waits for an answer; null where the state is friends. */
            request: components["schemas"]["FriendRequest"] | null;
        };
        Block: {
            id: components["schemas"]["ID"];
            im_user_id: string;
            username: string;
            nickname: string;
            avatar_url: string;
            since: components["schemas"]["Time"];
        };
        Person: {
            id: components["schemas"]["ID"];
            im_user_id: string;
            username: string;
            nickname: string;
            avatar_url: string;
        };
        /** @description A lower-case ULID. */
        ID: string;
        /** Format: date-time */
        Time: string;
        /**
         * Format: date-time
         * @description Null is never.
         */
        TimeOrNull: string | null;
        /** @description Null at the end. */
        NextCursor: string | null;
        Lifetime: string;
        DefaultLifetime: {
            lifetime: components["schemas"]["Lifetime"];
            version: number;
        };
        UserLifetime: {
            user_id: components["schemas"]["ID"];
            lifetime: components["schemas"]["Lifetime"];
            version: number;
        };
        User: {
            id: components["schemas"]["ID"];
            username: string;
            nickname: string;
            avatar_url: string;
            email: string | null;
            phone: string | null;
            /**
             * @description Whether the cloud has given a token for this person.
             * @enum {unknown}
             */
            im_state: "pending" | "ready";
            created_at: components["schemas"]["Time"];
        };
        AdminUser: {
            id: components["schemas"]["ID"];
            username: string;
            nickname: string;
            avatar_url: string;
            email: string | null;
            phone: string | null;
            /**
             * @description Whether the cloud has given a token for this person.
             * @enum {unknown}
             */
            im_state: "pending" | "ready";
            created_at: components["schemas"]["Time"];
            /** @enum {unknown} */
            status: "active" | "banned";
            /** @description The connect token stored for this person, without the token. */
            token: {
                /** @description The first 16 hex digits of the token's SHA-256. */
                fingerprint: string;
                issued_at: components["schemas"]["Time"];
                expires_at: components["schemas"]["TimeOrNull"];
            } | null;
        };
        AdminUserDetail: {
            id: components["schemas"]["ID"];
            /** @description Empty once the cloud has removed a deleted person. */
            username: string;
            nickname: string;
            avatar_url: string;
            email: string | null;
            phone: string | null;
            /**
             * @description Whether the cloud has given a token for this person.
             * @enum {unknown}
             */
            im_state: "pending" | "ready";
            created_at: components["schemas"]["Time"];
            /** @enum {unknown} */
            status: "active" | "banned" | "deleted";
            /** @description The connect token stored for this person, without the token. */
            token: {
                /** @description The first 16 hex digits of the token's SHA-256. */
                fingerprint: string;
                issued_at: components["schemas"]["Time"];
                expires_at: components["schemas"]["TimeOrNull"];
            } | null;
            ban_reason: string | null;
            deleted_at: components["schemas"]["TimeOrNull"];
            version: number;
            /** @description Live ones, newest first. */
            sessions: {
                id: components["schemas"]["ID"];
                device: string;
                ip: string;
                user_agent: string;
                created_at: components["schemas"]["Time"];
                last_used_at: components["schemas"]["Time"];
                expires_at: components["schemas"]["Time"];
            }[];
            /** @description What the cloud must still be told of this person. */
            queue: components["schemas"]["QueueRow"][];
        };
        QueueRow: {
            id: components["schemas"]["ID"];
            /** @description provision, profile, revoke, ban, remove, friend, block, im_password, relations, allow. */
            kind: string;
            /** @description The id of a person. For friend the ids of both with a colon between, for block those of who blocks and whom. */
            subject: string;
            attempts: number;
            created_at: components["schemas"]["Time"];
            due_at: components["schemas"]["Time"];
            attempted_at: components["schemas"]["TimeOrNull"];
            next_at: components["schemas"]["Time"];
            buried_at: components["schemas"]["TimeOrNull"];
            /** @description Why the last attempt failed. */
            reason: string | null;
        };
        Session: {
            id: components["schemas"]["ID"];
            access_token: string;
            /** @constant */
            token_type: "Bearer";
            /** @description Seconds until the access token expires. */
            expires_in: number;
            refresh_token: string;
            refresh_expires_at: components["schemas"]["Time"];
        };
        ConnectToken: {
            /** @description The protocol that the SDK must speak: rongcloud. */
            cloud: string;
            app_key: string;
            im_user_id: string;
            token: string;
            issued_at: components["schemas"]["Time"];
            expires_at: components["schemas"]["TimeOrNull"];
            renew_after: components["schemas"]["TimeOrNull"];
            server_time: components["schemas"]["Time"];
            /** @description Where the SDK connects to. What is empty or null it finds by itself. */
            endpoints: {
                /** @description RongCloud's. */
                navigators: string[];
                /** @description The web socket of Easemob's SDK (url). */
                socket_url: string | null;
                /** @description Where Easemob's SDK makes its calls (apiUrl). */
                api_url: string | null;
            };
        };
        Readiness: {
            status: string;
            draining: boolean;
            checks: {
                database: {
                    ok: boolean;
                    /** @description The database's clock less ours. */
                    clock_skew_ms: number;
                };
                cloud: {
                    /** @description The breaker: closed, open, half-open, or unknown. */
                    state: string;
                    /** @description The cloud is an emulated one. */
                    sandbox: boolean;
                };
            };
        };
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            code: string;
            request_id: string;
            /** @description The first field that is wrong. */
            field?: string;
            fields?: {
                field: string;
                wrong: string;
            }[];
            /** @description Seconds; the same as Retry-After. */
            retry_after?: number;
        };
    };
    responses: {
        /** @description Done. */
        Done: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description Logged in. `im` is null where the cloud gave no token in time. */
        LoggedIn: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    user: components["schemas"]["User"];
                    session: components["schemas"]["Session"];
                    im: components["schemas"]["ConnectToken"] | null;
                };
            };
        };
        /** @description The profile. */
        Me: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    user: components["schemas"]["User"];
                };
            };
        };
        /** @description What an SDK connects with. */
        ConnectToken: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ConnectToken"];
            };
        };
        /** @description What would happen now. */
        Preview: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/json": {
                    /** @description Stored tokens that the lifetime would rule. */
                    tokens: number;
                    /** @description Those that it would end at once. */
                    due_now: number;
                    /** @description Those that it would end within an hour, due_now included. It is as many people: each has one token. */
                    due_1h: number;
                    /** @description Those that it would end within 24 hours, due_1h included. */
                    due_24h: number;
                };
            };
        };
        /** @description The body cannot be read. */
        BadBody: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "bad_json" | "unknown_field" | "bad_field";
                };
            };
        };
        /** @description The body or the Idempotency-Key cannot be read. */
        BadRegistration: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "bad_json" | "unknown_field" | "bad_field" | "bad_idempotency_key";
                };
            };
        };
        /** @description A query parameter is not allowed. */
        BadPage: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "bad_query" | "bad_cursor";
                };
            };
        };
        /** @description Login or password is wrong. */
        BadCredentials: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "WWW-Authenticate": components["headers"]["WWWAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "bad_credentials";
                };
            };
        };
        /** @description The session cannot go on. */
        BadRefresh: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "WWW-Authenticate": components["headers"]["WWWAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "refresh_invalid" | "refresh_replayed" | "session_ended";
                };
            };
        };
        /** @description Log in, or refresh the session. */
        NotLoggedIn: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "WWW-Authenticate": components["headers"]["WWWAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "token_missing" | "token_invalid" | "token_expired" | "session_ended";
                };
            };
        };
        /** @description Log in, refresh the session, or the current password is wrong. */
        NotLoggedInOrWrong: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "WWW-Authenticate": components["headers"]["WWWAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "token_missing" | "token_invalid" | "token_expired" | "session_ended" | "bad_credentials";
                };
            };
        };
        /** @description Log in as an admin. */
        NotAdmin: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "WWW-Authenticate": components["headers"]["WWWAuthenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "token_missing" | "token_invalid" | "token_expired";
                };
            };
        };
        /** @description The account is banned. */
        Banned: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "banned";
                };
            };
        };
        /** @description The account is banned, or the token is an admin's. */
        NotAllowed: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "banned" | "forbidden" | "cross_origin";
                };
            };
        };
        /** @description The token is a user's. */
        NotForUsers: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "forbidden" | "cross_origin";
                };
            };
        };
        /** @description The token is a user's, or the person is banned. */
        NotForUsersOrBanned: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "banned" | "forbidden" | "cross_origin";
                };
            };
        };
        /** @description There is no such thing. */
        NotFound: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "not_found";
                };
            };
        };
        /** @description There is no room, or the caller blocks the person. */
        RequestConflict: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "request_limit" | "friend_limit" | "person_blocked";
                };
            };
        };
        /** @description The request was closed before, or there is no room for another friend. */
        AnswerConflict: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "request_closed" | "friend_limit";
                };
            };
        };
        /** @description There is no room for another block. */
        BlockConflict: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "block_limit";
                };
            };
        };
        /** @description Other servers run with a newer app secret than the one that was asked. */
        SecretReplaced: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "secret_replaced";
                };
            };
        };
        /** @description Somebody else changed it at the same moment. */
        Changed: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "changed_meanwhile";
                };
            };
        };
        /** @description Somebody has it already. */
        RegistrationConflict: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "username_taken" | "email_taken" | "phone_taken" | "idempotency_key_spent";
                };
            };
        };
        /** @description Somebody has it already, or changed it at the same moment. */
        ProfileConflict: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "email_taken" | "phone_taken" | "changed_meanwhile";
                };
            };
        };
        /** @description It was changed since it was read. */
        LostRace: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "precondition_failed";
                };
            };
        };
        /** @description The body is larger than 64 KiB. */
        TooLarge: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "body_too_large";
                };
            };
        };
        /** @description The body must be application/json. */
        NotJSON: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "unsupported_media_type";
                };
            };
        };
        /** @description A field has a value that is not allowed. */
        InvalidField: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "invalid_field";
                };
            };
        };
        /** @description A field has a value that is not allowed, or the person is the caller. */
        InvalidPerson: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "invalid_field" | "not_yourself";
                };
            };
        };
        /** @description The person is the caller. */
        NotYourself: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "not_yourself";
                };
            };
        };
        /** @description A field has a value that is not allowed, or the Idempotency-Key was used with another request. */
        InvalidRegistration: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "invalid_field" | "idempotency_key_reused";
                };
            };
        };
        /** @description If-Match is missing. */
        NeedsIfMatch: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "precondition_required";
                };
            };
        };
        /** @description Too many attempts. */
        Throttled: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "throttled";
                };
            };
        };
        /** @description Too many changes of friends and blocks in one minute; none of these was made. */
        TooManyChanges: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "too_many_changes";
                };
            };
        };
        /** @description Too many changes of friends and blocks in one minute, or too many requests that came to nothing in a day. */
        AskedTooOften: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "too_many_changes" | "asked_too_often";
                };
            };
        };
        /** @description Too many reports. */
        RefusedTooOften: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "refused_too_often";
                };
            };
        };
        /** @description The body cannot be read. */
        CallbackMalformed: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "callback_malformed";
                };
            };
        };
        /** @description This is not the cloud's, not now, not for the first time or not about our app. */
        CallbackRefused: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "callback_forged" | "callback_late" | "callback_replayed" | "callback_foreign";
                };
            };
        };
        /** @description Something went wrong here. */
        Internal: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "internal";
                };
            };
        };
        /** @description Come back soon. */
        Unavailable: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "database_unavailable" | "timeout";
                };
            };
        };
        /** @description Come back soon. */
        UnavailableHash: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "busy" | "database_unavailable" | "timeout";
                };
            };
        };
        /** @description Come back soon. */
        UnavailableRegistration: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "busy" | "im_unavailable" | "database_unavailable" | "timeout";
                };
            };
        };
        /** @description Come back soon. */
        UnavailableCloud: {
            headers: {
                "X-Request-ID": components["headers"]["RequestID"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @enum {unknown} */
                    code?: "im_unavailable" | "database_unavailable" | "timeout";
                };
            };
        };
    };
    parameters: {
        /** @description A repeated request with the same key gets the same account and session, for 24 hours. */
        IdempotencyKey: string;
        /** @description What the list of sessions calls this one; at most 128 characters. */
        DeviceName: string;
        /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
        RequestID: string;
        /**
         * @description The ETag of the list ("r7"), the version of the row ("7"; 0 where there is none), or * for whatever is there.
         *     Several may be listed. Anything else fits nothing and gives 412.
         * @example "r7"
         */
        IfMatch: string;
        /**
         * @description The ETag of the person ("7"), for a change that must not undo another admin's; several may be listed. Without it, or
         *     with *, the change is made whatever happened since.
         * @example "7"
         */
        IfMatchUser: string;
        ID: string;
        /** @description The `next_cursor` of the page before. */
        Cursor: string;
        Limit: number;
        ShortLimit: number;
    };
    requestBodies: {
        Reason: {
            content: {
                /**
                 * @example {
                 *       "reason": "sends spam"
                 *     }
                 */
                "application/json": {
                    /** @description Kept in the audit. */
                    reason: string;
                };
            };
        };
        Lifetime: {
            content: {
                /**
                 * @example {
                 *       "lifetime": "7d"
                 *     }
                 */
                "application/json": {
                    /** @description permanent, 30d, 7d, 1d, or another of `choices`. */
                    lifetime: string;
                };
            };
        };
    };
    headers: {
        /** @description The id of this request in our log. */
        RequestID: string;
        /** @description Seconds until the request may succeed. */
        RetryAfter: number;
        /** @description The state of all lifetimes. */
        ETag: string;
        /** @description The version of the person. */
        VersionETag: string;
        WWWAuthenticate: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    register: {
        parameters: {
            query?: never;
            header?: {
                /** @description A repeated request with the same key gets the same account and session, for 24 hours. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
                /** @description What the list of sessions calls this one; at most 128 characters. */
                "X-Device-Name"?: components["parameters"]["DeviceName"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "username": "ann",
                 *       "password": "correct horse battery",
                 *       "nickname": "Ann"
                 *     }
                 */
                "application/json": {
                    /** @description 3 to 32 letters, digits and . _ - of one script; not all digits; no @. Compared without case. */
                    username: string;
                    /** @description 8 to 128 characters, any of them, not among the most used passwords. */
                    password: string;
                    /** @description At most 64 characters; what others see. */
                    nickname?: string | null;
                    email?: string | null;
                    /** @description International, like +8613800138000. */
                    phone?: string | null;
                    /** @description An http or https address of at most 1024 bytes. */
                    avatar_url?: string | null;
                };
            };
        };
        responses: {
            201: components["responses"]["LoggedIn"];
            400: components["responses"]["BadRegistration"];
            409: components["responses"]["RegistrationConflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidRegistration"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableRegistration"];
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: {
                /** @description What the list of sessions calls this one; at most 128 characters. */
                "X-Device-Name"?: components["parameters"]["DeviceName"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "login": "ann",
                 *       "password": "correct horse battery"
                 *     }
                 */
                "application/json": {
                    login: string;
                    password: string;
                };
            };
        };
        responses: {
            200: components["responses"]["LoggedIn"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["BadCredentials"];
            403: components["responses"]["Banned"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableHash"];
        };
    };
    refreshSession: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "refresh_token": "imr1_AZ..."
                 *     }
                 */
                "application/json": {
                    refresh_token: string;
                };
            };
        };
        responses: {
            /** @description The session goes on. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        session: components["schemas"]["Session"];
                    };
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["BadRefresh"];
            403: components["responses"]["Banned"];
            409: components["responses"]["Changed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "scope": "this"
                 *     }
                 */
                "application/json": {
                    /** @enum {unknown} */
                    scope: "this" | "others" | "all";
                };
            };
        };
        responses: {
            204: components["responses"]["Done"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    sessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description At most 500. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        sessions: {
                            id: components["schemas"]["ID"];
                            /** @description X-Device-Name at login; may be empty. */
                            device: string;
                            ip: string;
                            user_agent: string;
                            created_at: components["schemas"]["Time"];
                            last_used_at: components["schemas"]["Time"];
                            current: boolean;
                        }[];
                    };
                };
            };
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["Me"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteMe: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    changeMe: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "nickname": "Ann B.",
                 *       "email": "ann@example.com"
                 *     }
                 */
                "application/json": {
                    nickname?: string | null;
                    email?: string | null;
                    phone?: string | null;
                    avatar_url?: string | null;
                };
            };
        };
        responses: {
            200: components["responses"]["Me"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["ProfileConflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    people: {
        parameters: {
            query?: {
                /** @description The beginning of a username, in any case. */
                query?: string;
                /** @description 1 to 20 ids at the cloud with commas between, as conversations name them. Goes before `query`. */
                im_user_ids?: string;
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who was found. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        people: {
                            id: components["schemas"]["ID"];
                            im_user_id: string;
                            username: string;
                            nickname: string;
                            avatar_url: string;
                        }[];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "current_password": "correct horse battery",
                 *       "new_password": "staple battery horse"
                 *     }
                 */
                "application/json": {
                    current_password: string;
                    new_password: string;
                };
            };
        };
        responses: {
            204: components["responses"]["Done"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedInOrWrong"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Changed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableHash"];
        };
    };
    friends: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["ShortLimit"];
                /** @description Adds what one calls each friend. */
                remarks?: boolean;
                /** @description The whole list at once; not beside cursor and limit. */
                all?: boolean;
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page, or the whole list. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        friends: components["schemas"]["Friend"][];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    removeFriend: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    setRemark: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "remark": "Bob from work"
                 *     }
                 */
                "application/json": {
                    /** @description Null or an empty text takes it away. */
                    remark: string | null;
                };
            };
        };
        responses: {
            204: components["responses"]["Done"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    friendRequests: {
        parameters: {
            query?: {
                /** @description Only those to oneself or only one's own; otherwise both. */
                direction?: "incoming" | "outgoing";
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["ShortLimit"];
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        requests: components["schemas"]["FriendRequest"][];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    requestFriend: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "user_id": "01h00000000000000000000000",
                 *       "message": "Hello, it is Ann"
                 *     }
                 */
                "application/json": {
                    /** @description The `id` of somebody found at /v1/people. */
                    user_id: string;
                    /** @description At most 100 characters, for the other one. */
                    message?: string | null;
                };
            };
        };
        responses: {
            /** @description Nothing new was asked; the two are friends, or an earlier request waits. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestOutcome"];
                };
            };
            /** @description The request waits for its answer. */
            201: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestOutcome"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["RequestConflict"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidPerson"];
            429: components["responses"]["AskedTooOften"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    withdrawRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["AnswerConflict"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    acceptRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["AnswerConflict"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    declineRequest: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["AnswerConflict"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    blocks: {
        parameters: {
            query?: {
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["ShortLimit"];
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page, in an order that stays the same. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        blocks: components["schemas"]["Block"][];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    blockMany: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "user_ids": [
                 *         "01h00000000000000000000000"
                 *       ]
                 *     }
                 */
                "application/json": {
                    user_ids: components["schemas"]["ID"][];
                };
            };
        };
        responses: {
            /** @description What came of each, in the order of the request. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        results: {
                            user_id: components["schemas"]["ID"];
                            /**
                             * @description `blocked`, or the code that PUT would answer with.
                             * @enum {unknown}
                             */
                            result: "blocked" | "not_found" | "not_yourself" | "block_limit";
                        }[];
                    };
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    blockUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["BlockConflict"];
            422: components["responses"]["NotYourself"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    unblockUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            404: components["responses"]["NotFound"];
            429: components["responses"]["TooManyChanges"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    imToken: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: components["responses"]["ConnectToken"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableCloud"];
        };
    };
    imTokenRefused: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token": "the token@...",
                 *       "code": 31004
                 *     }
                 */
                "application/json": {
                    token: string;
                    /** @description The cloud's code as its SDK told it: 31004, 31020. */
                    code: number;
                };
            };
        };
        responses: {
            200: components["responses"]["ConnectToken"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotLoggedIn"];
            403: components["responses"]["NotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            429: components["responses"]["RefusedTooOften"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableCloud"];
        };
    };
    rongCloudMessage: {
        parameters: {
            query: {
                nonce: string;
                /** @description Milliseconds since 1970, at most five minutes from now. */
                signTimestamp: string;
                /** @description The SHA-1 of app secret, nonce and signTimestamp in hex. Counts once. */
                signature: string;
                /** @description Ours, where it is there. */
                appKey?: string;
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        /** @description At most 512 KiB. Other fields are not looked at. */
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": {
                    /** @description Ours. */
                    appKey: string;
                    fromUserId?: string;
                    targetId?: string;
                    /** @description PERSON from one to another. PERSONS, GROUP, TEMPGROUP and whatever else pass. */
                    channelType?: string;
                    msgType?: string;
                    content?: string;
                    msgTimeStamp?: string;
                    messageId?: string;
                    os?: string;
                };
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * @description 1 delivers.
                         * @enum {integer}
                         */
                        pass: 0 | 1;
                    };
                };
            };
            400: components["responses"]["CallbackMalformed"];
            403: components["responses"]["CallbackRefused"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    easemobMessage: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        /** @description At most 512 KiB. Other fields are not looked at. */
        requestBody: {
            content: {
                "application/json": {
                    /** @description Our app key, _ and an id. */
                    callId: string;
                    /** @description Milliseconds since 1970, at most five minutes from now. */
                    timestamp: number | string;
                    /** @description The MD5 of callId, the rule's secret and timestamp in hex. Counts once. */
                    security: string;
                    /** @description chat from one to another. Whatever else passes. */
                    chat_type?: string;
                    from?: string;
                    to?: string;
                };
            };
        };
        responses: {
            /** @description The answer. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @description true delivers. */
                        valid: boolean;
                        /**
                         * @description What the sender's SDK reports.
                         * @enum {string}
                         */
                        code?: "not_accepted" | "not_allowed";
                    };
                };
            };
            400: components["responses"]["CallbackMalformed"];
            403: components["responses"]["CallbackRefused"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    adminLogin: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "name": "root",
                 *       "password": "a long admin password"
                 *     }
                 */
                "application/json": {
                    name: string;
                    password: string;
                };
            };
        };
        responses: {
            /** @description There is no refresh token; log in again. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        access_token: string;
                        /** @description Seconds. */
                        expires_in: number;
                    };
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["BadCredentials"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            429: components["responses"]["Throttled"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableHash"];
        };
    };
    overview: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As it is now. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        at: components["schemas"]["Time"];
                        accounts: {
                            active: number;
                            banned: number;
                            deleted: number;
                            /** @description Sessions that live. */
                            sessions: number;
                        };
                        tokens: {
                            /** @description Good for a day at least. */
                            good: number;
                            /** @description They run out within a day. */
                            ending: number;
                            /** @description They have run out; the next request renews them. */
                            ended: number;
                            /** @description Of the banned, revoked, or of an older app secret. */
                            void: number;
                        };
                        queue: {
                            waiting: number;
                            buried: number;
                            oldest_at: components["schemas"]["TimeOrNull"];
                        };
                        cloud: {
                            /** @enum {unknown} */
                            breaker: "closed" | "open" | "half-open";
                            /** @description Of the last hour. */
                            calls: number;
                            /** @description Of the calls, those without success. */
                            failed: number;
                            /** @description Of the failed, those beyond the quota. */
                            held_back: number;
                            /** @description On average, of the last five minutes; null: nothing was called. */
                            latency_ms: number | null;
                            /** @description The most calls within one minute of the hour. */
                            busiest_minute: number;
                            /** @description How much of this process's share for minting was in use at most within five minutes; null: nobody knows the share. */
                            quota_percent: number | null;
                        };
                        /** @description The newest. */
                        open_notices: {
                            id: components["schemas"]["ID"];
                            kind: string;
                            subject: string;
                            message: string;
                            cure: string;
                            count: number;
                            last_at: components["schemas"]["Time"];
                        }[];
                        /** @description There are more open ones. */
                        more_notices: boolean;
                        /** @description By minute, the oldest first. */
                        last_hour: {
                            /** @description Connect tokens minted for somebody who had none. */
                            issued: number[];
                            /** @description Stored ones that were handed out. */
                            reused: number[];
                            /** @description Minted over one that had run out or soon would. */
                            renewed: number[];
                            /** @description Minted because a client reported a refusal. */
                            refused: number[];
                            /** @description The cloud gave none. */
                            failed: number[];
                            /** @description To the cloud. */
                            calls: number[];
                            /** @description On average; 0: nothing was called. */
                            latency_ms: number[];
                        };
                    };
                };
            };
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    lifetimes: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The default, the first 1000 people with a lifetime of their own, and what may be chosen. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        default: components["schemas"]["DefaultLifetime"];
                        users: components["schemas"]["UserLifetime"][];
                        choices: components["schemas"]["Lifetime"][];
                    };
                };
            };
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    setDefaultLifetime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the list ("r7"), the version of the row ("7"; 0 where there is none), or * for whatever is there.
                 *     Several may be listed. Anything else fits nothing and gives 412.
                 * @example "r7"
                 */
                "If-Match"?: components["parameters"]["IfMatch"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Lifetime"];
        responses: {
            /** @description The default lifetime as it is now. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefaultLifetime"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            412: components["responses"]["LostRace"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            428: components["responses"]["NeedsIfMatch"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewDefaultLifetime: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Lifetime"];
        responses: {
            200: components["responses"]["Preview"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    setUserLifetime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the list ("r7"), the version of the row ("7"; 0 where there is none), or * for whatever is there.
                 *     Several may be listed. Anything else fits nothing and gives 412.
                 * @example "r7"
                 */
                "If-Match"?: components["parameters"]["IfMatch"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Lifetime"];
        responses: {
            /** @description Their lifetime as it is now. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserLifetime"];
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["LostRace"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            428: components["responses"]["NeedsIfMatch"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteUserLifetime: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the list ("r7"), the version of the row ("7"; 0 where there is none), or * for whatever is there.
                 *     Several may be listed. Anything else fits nothing and gives 412.
                 * @example "r7"
                 */
                "If-Match"?: components["parameters"]["IfMatch"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description They have none of their own now. */
            204: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["LostRace"];
            428: components["responses"]["NeedsIfMatch"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    previewUserLifetime: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Lifetime"];
        responses: {
            200: components["responses"]["Preview"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    users: {
        parameters: {
            query?: {
                /** @description The beginning of a username or e-mail address, or a whole phone number or id. */
                query?: string;
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["Limit"];
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description In the order of registration. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        users: components["schemas"]["AdminUser"][];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    user: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The person as they are now. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    ETag: components["headers"]["VersionETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminUserDetail"];
                };
            };
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the person ("7"), for a change that must not undo another admin's; several may be listed. Without it, or
                 *     with *, the change is made whatever happened since.
                 * @example "7"
                 */
                "If-Match"?: components["parameters"]["IfMatchUser"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["LostRace"];
            428: components["responses"]["NeedsIfMatch"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    banUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the person ("7"), for a change that must not undo another admin's; several may be listed. Without it, or
                 *     with *, the change is made whatever happened since.
                 * @example "7"
                 */
                "If-Match"?: components["parameters"]["IfMatchUser"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Reason"];
        responses: {
            204: components["responses"]["Done"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["LostRace"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            428: components["responses"]["NeedsIfMatch"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    unbanUser: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description The ETag of the person ("7"), for a change that must not undo another admin's; several may be listed. Without it, or
                 *     with *, the change is made whatever happened since.
                 * @example "7"
                 */
                "If-Match"?: components["parameters"]["IfMatchUser"];
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody: components["requestBodies"]["Reason"];
        responses: {
            204: components["responses"]["Done"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            412: components["responses"]["LostRace"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            428: components["responses"]["NeedsIfMatch"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    endUserSessions: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    queue: {
        parameters: {
            query?: {
                state?: "waiting" | "buried";
                /** @description provision, profile, revoke, ban, remove, friend, block, im_password, relations, allow. */
                kind?: string;
                /** @description A person. */
                subject?: components["schemas"]["ID"];
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["Limit"];
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page, and figures of the whole queue. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        rows: components["schemas"]["QueueRow"][];
                        /** @description Rows that are due. */
                        waiting: number;
                        buried: number;
                        oldest_at: components["schemas"]["TimeOrNull"];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    retryQueue: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "state": "buried",
                 *       "kind": "ban"
                 *     }
                 */
                "application/json": {
                    ids?: components["schemas"]["ID"][] | null;
                    /** @enum {unknown} */
                    state?: "waiting" | "buried" | "" | null;
                    kind?: string | null;
                    /** @description The `next_cursor` of the request before. */
                    cursor?: string | null;
                };
            };
        };
        responses: {
            /** @description They are due now. Ids that are gone were delivered, and are not counted. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        retried: number;
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    dropQueue: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "ids": [
                 *         "01k00000000000000000000000"
                 *       ],
                 *       "reason": "removed by hand in the console"
                 *     }
                 */
                "application/json": {
                    ids: components["schemas"]["ID"][];
                    /** @description Kept in the audit. */
                    reason: string;
                };
            };
        };
        responses: {
            /** @description They are gone. Ids that were gone before are not counted. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        dropped: number;
                    };
                };
            };
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    reissue: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description There is a new token. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user_id: components["schemas"]["ID"];
                        /** @description The first 16 hex digits of the token's SHA-256. */
                        fingerprint: string;
                        issued_at: components["schemas"]["Time"];
                        expires_at: components["schemas"]["TimeOrNull"];
                    };
                };
            };
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsersOrBanned"];
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
            503: components["responses"]["UnavailableCloud"];
        };
    };
    clouds: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        clouds: {
                            /**
                             * @description The protocol that an SDK speaks.
                             * @example rongcloud
                             */
                            name: string;
                            app_key: string;
                            /** @description What the cloud can do beside minting. */
                            abilities: ("allow" | "ban" | "block" | "check" | "friend" | "kick" | "list" | "password" | "profile" | "remark" | "remove" | "revoke" | "watch")[];
                            /**
                             * @description Closed is well; open: the cloud is left alone for a while.
                             * @enum {unknown}
                             */
                            breaker: "closed" | "open" | "half-open";
                            /** @description Of the app secret that this process mints with. */
                            secret_version: number;
                            /** @description Stored tokens that an older version minted. */
                            stale_tokens: number;
                            /** @description What the settings say the cloud's console grants: permanent, 7d … */
                            console_lifetime: string;
                        }[];
                    };
                };
            };
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateCloud: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            409: components["responses"]["SecretReplaced"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    rotateSigningKeys: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "emergency": false
                 *     }
                 */
                "application/json": {
                    /** @description The keys in use are in wrong hands. */
                    emergency: boolean;
                };
            };
        };
        responses: {
            204: components["responses"]["Done"];
            400: components["responses"]["BadBody"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["NotJSON"];
            422: components["responses"]["InvalidField"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    audit: {
        parameters: {
            query?: {
                /** @description The whole of it, like lifetime.set. */
                action?: string;
                /** @description The whole of it, like admin:ID. */
                actor?: string;
                /** @description The whole of it, like user:ID. */
                subject?: string;
                /** @description RFC 3339; the earliest time. */
                since?: string;
                /** @description RFC 3339; the first time that is too late. */
                until?: string;
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["Limit"];
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        entries: {
                            id: components["schemas"]["ID"];
                            at: components["schemas"]["Time"];
                            /** @description user:ID, admin:ID or system. */
                            actor: string;
                            /** @description A constant like lifetime.set. */
                            action: string;
                            subject: string;
                            detail: Record<string, never>;
                            request_id: string;
                            ip: string;
                        }[];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    notices: {
        parameters: {
            query?: {
                /** @description Only open ones, or only resolved ones. */
                open?: "true" | "false";
                /** @description The `next_cursor` of the page before. */
                cursor?: components["parameters"]["Cursor"];
                limit?: components["parameters"]["Limit"];
            };
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        notices: {
                            id: components["schemas"]["ID"];
                            /** @description A constant: buried, outbox_stuck, breaker_open, refused_spike, credentials, registration, drift. More may come. */
                            kind: string;
                            /** @description What it is about: outbox, or the cloud's name. */
                            subject: string;
                            /** @description What happened. */
                            message: string;
                            /** @description What to do about it. */
                            cure: string;
                            /** @description How often a look has found it so. */
                            count: number;
                            first_at: components["schemas"]["Time"];
                            last_at: components["schemas"]["Time"];
                            resolved_at: components["schemas"]["TimeOrNull"];
                            /** @description admin:ID, or system when it went away by itself. */
                            resolved_by: string | null;
                            delivery: {
                                /** @description Where the last announcement has arrived: webhook, mail. */
                                delivered: string[];
                                attempts: number;
                                next_at: components["schemas"]["TimeOrNull"];
                                last_error: string | null;
                            };
                        }[];
                        next_cursor: components["schemas"]["NextCursor"];
                    };
                };
            };
            400: components["responses"]["BadPage"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    resolveNotice: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 64 of A-Z a-z 0-9 . _ - ; anything else is replaced. */
                "X-Request-ID"?: components["parameters"]["RequestID"];
            };
            path: {
                id: components["parameters"]["ID"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: components["responses"]["Done"];
            401: components["responses"]["NotAdmin"];
            403: components["responses"]["NotForUsers"];
            404: components["responses"]["NotFound"];
            500: components["responses"]["Internal"];
            503: components["responses"]["Unavailable"];
        };
    };
    jwks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ed25519 keys (RFC 8037). */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        keys: {
                            /** @constant */
                            kty: "OKP";
                            /** @constant */
                            crv: "Ed25519";
                            kid: string;
                            /** @constant */
                            alg: "EdDSA";
                            /** @constant */
                            use: "sig";
                            x: string;
                        }[];
                    };
                };
            };
        };
    };
    livez: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @constant */
                        status: "alive";
                        version: string;
                    };
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready, or degraded because the cloud is down. */
            200: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"] & {
                        /** @enum {unknown} */
                        status?: "ready" | "degraded";
                        /** @constant */
                        draining?: false;
                    };
                };
            };
            /** @description Send requests elsewhere. */
            503: {
                headers: {
                    "X-Request-ID": components["headers"]["RequestID"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"] & {
                        /** @constant */
                        status?: "unready";
                    };
                };
            };
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description YAML. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": unknown;
                };
            };
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page without script. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    docsErrors: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page without script. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    docsStatic: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A style sheet. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/css": unknown;
                };
            };
            404: components["responses"]["NotFound"];
        };
    };
}
