// The caller is in a signed token, and the permissions are in a database: JWT_SECRET=… node examples/jwt-database.ts serve
import { AgentLauncher, type Dependency, HttpError, jwt, Runner, type ServeOptions } from "greenroom";

/** Stands for your database: a pool whose connections have to be given back. */
export const database = {
  connections: 0,
  users: new Map([
    ["u1", { id: "u1", name: "Ann", plan: "pro" }],
    ["u2", { id: "u2", name: "Bob", plan: "free" }],
  ]),
  async connect() {
    this.connections += 1;
    return {
      findUser: async (id: string) => this.users.get(id),
      release: () => {
        this.connections -= 1;
      },
    };
  },
};

const token = jwt({ secret: () => process.env.JWT_SECRET, audience: "greenroom" });

/** One connection a request, however many dependencies use it; it goes back when the request ends, errors included. */
const connection: Dependency<Awaited<ReturnType<typeof database.connect>>> = async ({ defer }) => {
  const connection = await database.connect();
  defer(() => connection.release());
  return connection;
};

const currentUser: Dependency<{ id: string; name: string; plan: string }> = async ({ resolve }) => {
  const { sub = "" } = await resolve(token);
  const user = await (await resolve(connection)).findUser(sub);
  if (!user) throw new HttpError(403, "This account is closed");
  return user;
};

export const launcher = new AgentLauncher({ agent: import.meta.resolve("./agent.ts") });

export const options: ServeOptions = {
  getCurrentUser: currentUser,
  canStartSession: async ({ resolve }) => {
    const { plan } = await resolve(currentUser);
    if (plan !== "pro") throw new HttpError(403, "Agents are part of the pro plan", { code: "PLAN" });
  },
};

if (import.meta.main) await new Runner(launcher, options).cli();
