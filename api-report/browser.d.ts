// Made by `npm run docs`: what greenroom/browser exports.

export interface BrowserOptions {
    readonly address?: string;
    readonly advertisedAddress?: string;
    readonly portRange?: readonly [number, number];
    readonly iceServers?: readonly IceServerOption[];
    readonly webRtc?: boolean;
    readonly bitrate?: number;
    readonly transcripts?: boolean;
    readonly maxParticipants?: number;
}

export declare class Edge implements EdgeInterface {
    #private;
    readonly provider = "browser";
    readonly rejoins = true;
    constructor(options?: BrowserOptions);
    warm(): Promise<void>;
    createCall({ callType, callId }: CallRequest): Promise<Call>;
    join(_call: Call, request: JoinRequest): Promise<Connection>;
    offer(_call: Call, { guest, offer, signal }: OfferRequest): Promise<JsonObject>;
    accept(_call: Call, { guest, protocols, stream, signal }: SocketRequest): Promise<AcceptedSocket>;
    close(): Promise<void>;
}

export interface IceServerOption {
    readonly urls: string | readonly string[];
    readonly username?: string;
    readonly credential?: string;
}

// What these name, and nobody can import:

// src/agent/edge.ts
export interface LeaveOptions {
    readonly moved?: boolean;
}
