import { access } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import type { StreamEmulator } from "../../../emulators/stream.ts";

const executablePath = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Resolves with the reason for which the official client cannot be run here; `null` where it can. */
export async function missing(): Promise<string | null> {
  try {
    await access(executablePath);
    return null;
  } catch {
    return `there is no Chromium at ${executablePath}: set CHROMIUM_PATH to one`;
  }
}

/** The longest time that the browser may take for anything on a busy machine, in milliseconds. */
const timeout = 30_000;

/** A headless Chromium with Stream's official client, bundled for it in memory. */
export class OfficialBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(browser: Browser, server: ReturnType<typeof createServer>) {
    this.#browser = browser;
    this.#server = server;
  }

  static async launch(): Promise<OfficialBrowser> {
    const { outputFiles } = await build({
      entryPoints: [join(import.meta.dirname, "page.js")],
      bundle: true,
      format: "iife",
      platform: "browser",
      target: "chrome120",
      write: false,
      logLevel: "error",
    });
    const script = outputFiles[0]!.text;
    const server = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : "<!doctype html><title>Call</title><script src=/page.js></script>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const browser = await chromium.launch({
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        // A page that is not in front would be slowed down.
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
        // The addresses themselves, not names to be looked up by multicast; also that of loopback.
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--allow-loopback-in-peer-connection",
      ],
    });
    return new OfficialBrowser(browser, server);
  }

  /** A person in a page of its own. `hertz`: the tone that is its voice. */
  async open(userId: string, hertz: number): Promise<OfficialClient> {
    const context = await this.#browser.newContext({ permissions: ["microphone", "camera"] });
    const page = await context.newPage();
    const { port } = this.#server.address() as AddressInfo;
    await page.goto(`http://127.0.0.1:${port}/`);
    return new OfficialClient(page, userId, hertz);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Stream's official client in a page; each method is one of `stage` in page.js. */
export class OfficialClient implements AsyncDisposable {
  readonly userId: string;
  /** The pitch of its voice, in hertz. */
  readonly hertz: number;
  readonly #page: Page;

  constructor(page: Page, userId: string, hertz: number) {
    this.#page = page;
    this.userId = userId;
    this.hertz = hertz;
    page.setDefaultTimeout(timeout);
  }

  /** Resolves once it is in the call and its microphone is on. `token`: a user token, where the emulator's own is not to be used. */
  async join(stream: StreamEmulator, callId: string, token?: string): Promise<void> {
    const { userId, hertz } = this;
    const { url, apiKey } = stream;
    const asked = { url, apiKey, token: token ?? stream.userToken(userId), userId, callId, hertz };
    await this.#ask(`join(${JSON.stringify(asked)})`);
  }

  mute = (): Promise<void> => this.#ask("mute()");
  unmute = (): Promise<void> => this.#ask("unmute()");
  leave = (): Promise<void> => this.#ask("leave()");
  endCall = (): Promise<void> => this.#ask("endCall()");
  callingState = (): Promise<string> => this.#ask("callingState()");
  callingStates = (): Promise<readonly string[]> => this.#ask("callingStates()");
  /** The custom events of the call that reached it, oldest first. */
  customEvents = (): Promise<readonly unknown[]> => this.#ask("customEvents()");
  others = (): Promise<Readonly<Record<string, { readonly session: string; readonly audio: boolean }>>> =>
    this.#ask("others()");

  /** Notes what it sees and hears of a user from here on. */
  watch = (userId: string): Promise<void> => this.#ask(`watch(${JSON.stringify(userId)})`);
  watched = (): Promise<{
    readonly mostSessions: number;
    readonly together: number;
    readonly longestGapMs: number;
  }> => this.#ask("watched()");

  /** Resolves once it hears a voice of that pitch from a user; `null`: once it hears nothing from them. */
  async untilHears(userId: string, hertz: number | null): Promise<void> {
    const heard = `stage.hears(${JSON.stringify(userId)})`;
    await this.until(hertz === null ? `${heard} === null` : `Math.abs((${heard} ?? 0) - ${hertz}) < 12`);
  }

  /** Resolves once it hears a user, whatever the pitch. */
  async untilHearsSomething(userId: string): Promise<void> {
    await this.until(`stage.hears(${JSON.stringify(userId)}) !== null`);
  }

  /** Resolves once it sees a user, with the sound on or off; `null`: once it does not see them any more. */
  async untilSees(userId: string, audio: "on" | "off" | null): Promise<void> {
    const seen = `stage.others()[${JSON.stringify(userId)}]`;
    await this.until(audio === null ? `${seen} === undefined` : `${seen}?.audio === ${audio === "on"}`);
  }

  /** Resolves once an expression about `stage` holds in the page; rejects after 30 s with what the page was like. */
  async until(expression: string): Promise<void> {
    try {
      await this.#page.waitForFunction(expression, undefined, { timeout, polling: 50 });
    } catch (error) {
      const seen = await this.#ask<unknown>(
        "others() && { others: stage.others(), calling: stage.callingStates() }",
      );
      const { message } = error as Error;
      throw new Error(`${this.userId} waits for ${expression}: ${message}\n${JSON.stringify(seen)}`);
    }
  }

  /** The tab is gone, without a goodbye. */
  async vanish(): Promise<void> {
    await this.#page.context().close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.vanish();
  }

  async #ask<T>(call: string): Promise<T> {
    return (await this.#page.evaluate(`stage.${call}`)) as T;
  }
}
