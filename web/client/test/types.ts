// Compiled, never run: what a program in TypeScript relies on.
import * as RongIMLib from "@rongcloud/imlib-next";
import WebIM, { type EasemobChat } from "easemob-websdk";
import { connectEasemob, connectRongCloud, createBridge, memoryStorage, Problem, type ConnectionState } from "../dist/index.js";

const bridge = createBridge({ baseURL: "https://im.example.com", storage: memoryStorage() });
export const page = createBridge({ baseURL: "", credentials: "cookie", storage: localStorage });

// The SDK as it is fits the adapter.
const connection = connectRongCloud<RongIMLib.IAReceivedMessage>(RongIMLib, bridge, {
  onMessage: (message) => console.log(message.senderUserId),
});
export const state: ConnectionState = connection.state;

const easemob = connectEasemob<EasemobChat.MessageBody, EasemobChat.Connection>(WebIM, bridge, {
  onMessage: (message) => console.log(message.id),
});
export const sent = easemob.sdk?.send(WebIM.message.create({ type: "txt", chatType: "singleChat", to: "u2", msg: "x" }));

export async function logIn(): Promise<string> {
  try {
    return (await bridge.login({ login: "ann", password: "x" })).username;
  } catch (err) {
    if (err instanceof Problem && err.code === "bad_credentials") return "wrong";
    // @ts-expect-error no problem has this code
    if (err instanceof Problem && err.code === "bad_credential") return "wrong";
    throw err;
  }
}

// @ts-expect-error a registration needs a password
export const incomplete = bridge.register({ username: "ann" });
