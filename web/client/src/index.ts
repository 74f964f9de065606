export type { components, operations, paths } from "./api.js";
export { createBridge, type Bridge, type BridgeOptions, type Login, type LogoutScope, type Registration } from "./bridge.js";
export { problemCodes, type ProblemCode } from "./codes.js";
export type { ConnectToken } from "./connect_token.js";
export { Problem, type FieldProblem, type LocalCode } from "./problem.js";
export { connectRongCloud, type Connection, type ConnectionDetail, type ConnectionOptions, type ConnectionState, type RongIMLib } from "./rongcloud.js";
export type { Locks, User } from "./session.js";
export { memoryStorage, type BridgeStorage } from "./storage.js";
