// The API in an application of your own: GREENROOM_API_KEYS=backend:0123456789abcdef node examples/own-app.ts serve
import { AgentLauncher, apiKey, Runner, routes } from "greenroom";
import Koa from "koa";

export const launcher = new AgentLauncher({ agent: import.meta.resolve("./agent.ts") });

export const app = new Koa();
app.use(routes(launcher, { getCurrentUser: apiKey() }));
app.use((ctx) => {
  if (ctx.path === "/hello") ctx.body = "This is what else your application does.";
});

if (import.meta.main) await new Runner(launcher, { app }).cli();
