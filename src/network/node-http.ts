/**
 * Node's module `http`. An `import` of it reads all that it exports, and with its `WebSocket` loads Node's whole `fetch`: 40 ms of
 * processor time in each thread.
 */
export const http = process.getBuiltinModule("node:http");
