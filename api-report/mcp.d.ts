// Made by `npm run docs`: what greenroom/mcp exports.

export interface CommonServerOptions {
    readonly name?: string;
    readonly prefix?: string;
    readonly allowedTools?: readonly string[];
    readonly maxTools?: number;
    readonly connectTimeoutMs?: number;
    readonly timeoutMs?: number;
    readonly maxTimeoutMs?: number;
}

export type HeaderSource = Headers | (() => Headers | Promise<Headers>);

export type Headers = Readonly<Record<string, string>>;

export interface HttpServerOptions extends CommonServerOptions {
    readonly url: string;
    readonly headers?: HeaderSource;
}

export declare class McpServerError extends Error {
    readonly name = "McpServerError";
    readonly status: number | undefined;
    readonly code: string;
    constructor(message: string, facts: {
        readonly status?: number | undefined;
        readonly code?: string;
        readonly cause?: unknown;
    });
}

export interface Server extends RemoteToolset {
    readonly provider: "mcp";
    readonly model: string;
    readonly functions: ReadonlyMap<string, RegisteredFunction>;
    warm(signal: AbortSignal): Promise<void>;
    close(): Promise<void>;
}
export declare const Server: new (options: ServerOptions) => Server;

export type ServerOptions = HttpServerOptions | StdioServerOptions;

export interface StdioServerOptions extends CommonServerOptions {
    readonly command: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly shared?: boolean;
}

export declare function preload(): Promise<void>;

// What these name, and nobody can import:

// src/agent/model/message.ts
interface Said {
    readonly text: string;
    readonly parts?: readonly MessagePart[];
}
