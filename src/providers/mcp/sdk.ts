/** Loads the parts of the official SDK that are used: when a server is first reached, or in a thread that waits for its call. */
export async function loadSdk() {
  const [{ Client }, { StdioClientTransport }, { StreamableHTTPClientTransport }, types] = await Promise.all([
    import("@modelcontextprotocol/sdk/client/index.js"),
    import("@modelcontextprotocol/sdk/client/stdio.js"),
    import("@modelcontextprotocol/sdk/client/streamableHttp.js"),
    import("@modelcontextprotocol/sdk/types.js"),
  ]);
  const { ResultSchema, ToolListChangedNotificationSchema } = types;
  return {
    Client,
    StdioClientTransport,
    StreamableHTTPClientTransport,
    ResultSchema,
    ToolListChangedNotificationSchema,
  };
}

export type Sdk = Awaited<ReturnType<typeof loadSdk>>;
