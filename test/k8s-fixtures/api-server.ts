import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import type { ExecutionContext } from "ava";

type Fields = Record<string, unknown>;

const path = "/apis/apps/v1/namespaces/greenroom/deployments/greenroom";
const deployments = { name: "deployments", singularName: "deployment", namespaced: true, kind: "Deployment" };

/**
 * A server with as much of Kubernetes' API as `kubectl apply` asks of it for the Deployment "greenroom". It ends with
 * the test.
 */
export class ApiServer {
  /** The Deployment that is stored; null where nothing was applied. */
  deployment: Fields | null = null;
  /** Each patch that was sent, in order. */
  readonly patches: Fields[] = [];
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });

  static async open(t: Pick<ExecutionContext, "teardown">): Promise<ApiServer> {
    const api = new ApiServer();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    t.teardown(() => {
      api.#server.closeAllConnections();
      api.#server.close();
    });
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === "GET" ? {} : ((await json(request)) as Fields);
    const [status, answer] = this.#handle(request, body);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  }

  #handle({ method, url = "" }: IncomingMessage, body: Fields): [number, object] {
    const { pathname } = new URL(url, this.url);
    const group = { groupVersion: "apps/v1", version: "v1" };
    if (pathname === "/api") return [200, { kind: "APIVersions", versions: ["v1"] }];
    if (pathname === "/apis")
      return [
        200,
        { kind: "APIGroupList", groups: [{ name: "apps", versions: [group], preferredVersion: group }] },
      ];
    if (pathname === "/api/v1") return [200, { kind: "APIResourceList", groupVersion: "v1", resources: [] }];
    if (pathname === "/apis/apps/v1") {
      const resources = [{ ...deployments, verbs: ["create", "get", "list", "patch"] }];
      return [200, { kind: "APIResourceList", groupVersion: "apps/v1", resources }];
    }
    if (method === "POST" && pathname === path.slice(0, path.lastIndexOf("/"))) this.deployment = body;
    else if (pathname !== path || !this.deployment) return [404, notFound];
    if (method === "PATCH") {
      this.patches.push(body);
      this.deployment = merged(this.deployment, body);
    }
    return [200, this.deployment];
  }
}

const notFound = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 };

/** Merges fields as a merge patch does: a value with fields of its own is merged, null takes a field away. */
function merged(fields: Fields, patch: Fields): Fields {
  const result: Fields = { ...fields };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = isFields(value) ? merged(isFields(result[name]) ? result[name] : {}, value) : value;
  }
  return result;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
