import { eventually } from "../../test/fixtures/eventually.ts";
import { freePort } from "../../test/fixtures/free-port.ts";
import { shiftedClock } from "../../test/fixtures/programs/shifted-clock.ts";
import { TcpRelay } from "../../test/fixtures/programs/tcp-relay.ts";
import { machineNow } from "../clock.ts";
import { Life, type LifeOptions, type ProcessExit } from "./life.ts";

const startTimeoutMs = 60_000;

export interface SlotOptions {
  readonly index: number;
  readonly redisPort: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly keptLogFile: string;
  readonly ownLogFile: string | null;
  /** A file in the words of libfaketime: its process follows that clock. Null: the clock of the machine. */
  readonly clockFile: string | null;
  readonly teardown: (end: () => unknown) => void;
  /** Called where its process ended, and nobody here had ended it. */
  readonly onDeath: (life: Life) => void;
}

/** A place for a replica: an address that the balancer knows, and a way of its own to Redis. */
export class Slot {
  readonly index: number;
  readonly port: number;
  readonly metricsPort: number;
  readonly relay: TcpRelay;
  readonly clockFile: string | null;
  readonly logsToVolume: boolean;
  /** The last process here. */
  life: Life | null = null;
  /** The fault that harms it now. */
  harm: string | null = null;
  /** The time since which nothing harmed it and it serves. Infinity while that is not so. */
  wellSince = Number.POSITIVE_INFINITY;
  /** The times at which processes here ended. */
  readonly exits: ProcessExit[] = [];
  /** The times at which processes here were frozen or killed. */
  readonly stops: ProcessExit[] = [];
  readonly #options: SlotOptions;
  #lives = 0;
  #isClosed = false;

  private constructor(options: SlotOptions, ports: readonly [number, number], relay: TcpRelay) {
    this.#options = options;
    this.index = options.index;
    [this.port, this.metricsPort] = ports;
    this.relay = relay;
    this.clockFile = options.clockFile;
    this.logsToVolume = options.ownLogFile !== null;
  }

  static async open(options: SlotOptions): Promise<Slot> {
    const relay = await TcpRelay.open(options, options.redisPort);
    return new Slot(options, [await freePort(), await freePort()], relay);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get name(): string {
    return this.life?.nodeId ?? `slot-${this.index}`;
  }

  /** Starts a process here; of a new name, or the name of the last one. Resolves once it serves. */
  async start(name: "new" | "same"): Promise<Life> {
    if (this.#isClosed) throw new Error("The run is over");
    if (name === "new") this.#lives += 1;
    const life = new Life(this.#lifeOptions(`replica-${this.index}-${this.#lives}`), this.stops);
    this.life = life;
    void life.exit.then(() => {
      this.wellSince = Number.POSITIVE_INFINITY;
      this.exits.push({ pid: life.pid, at: machineNow() });
      if (!life.isEnding) this.#options.onDeath(life);
    });
    await eventually(`${life.nodeId} serves`, () => !life.lives || this.serves(), startTimeoutMs);
    if (life.lives) this.wellSince = machineNow();
    return life;
  }

  /** Ends its process; no other one starts here. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.life?.lives) await this.life.end("SIGKILL");
  }

  async serves(): Promise<boolean> {
    return (await this.#get(`${this.url}/serving`))?.status === 200;
  }

  /** Does its main thread answer? */
  async answers(withinMs: number): Promise<boolean> {
    return (await this.#get(`${this.url}/health`, withinMs)) !== null;
  }

  /** The sum of a metric's values, or of those with this in their labels. NaN where it does not answer. */
  async metric(name: string, label = ""): Promise<number> {
    const answer = await this.#get(`http://127.0.0.1:${this.metricsPort}/metrics`);
    if (answer === null) return Number.NaN;
    return answer.text
      .split("\n")
      .filter((line) => /^[^{ ]+/.exec(line)?.[0] === name && line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  async #get(url: string, withinMs = 5_000): Promise<{ status: number; text: string } | null> {
    try {
      const signal = AbortSignal.timeout(withinMs);
      const answer = await fetch(url, { headers: { connection: "close" }, signal });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return null;
    }
  }

  #lifeOptions(nodeId: string): LifeOptions {
    const { environment, keptLogFile, ownLogFile, clockFile } = this.#options;
    return {
      nodeId,
      keptLogFile,
      ownLogFile,
      environment: {
        ...environment,
        PORT: String(this.port),
        GREENROOM_METRICS_PORT: String(this.metricsPort),
        GREENROOM_NODE_ID: nodeId,
        GREENROOM_ADVERTISED_ADDRESS: this.url,
        GREENROOM_REDIS_URL: this.relay.url,
        ...(clockFile === null ? {} : clockOf(clockFile)),
      },
    };
  }
}

/** The clock of a process that follows this file, looked at each second. */
function clockOf(file: string): Record<string, string> {
  const { FAKETIME: _, ...environment } = shiftedClock("+0");
  return { ...environment, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: "1" };
}
