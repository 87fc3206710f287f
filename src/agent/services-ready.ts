import { within } from "../shared/deadline.ts";
import { type PlainError, plainError } from "../shared/errors.ts";
import type { AgentService } from "../shared/protocol.ts";
import type { CallContext } from "./call/call-context.ts";
import type { Edge } from "./edge.ts";
import { errorKind } from "./error-kind.ts";
import type { Model } from "./model/model.ts";
import type { AgentRole } from "./role/agent-role.ts";
import { membersOf, type Service } from "./service.ts";
import type { STT } from "./stt.ts";
import type { RemoteToolset } from "./tools/tools.ts";
import type { TTS } from "./tts.ts";

/** The services that an agent is made of. */
interface Services {
  readonly edge: Edge;
  readonly llm: Model;
  readonly stt?: STT;
  readonly tts?: TTS;
  /** The servers of functions. */
  readonly toolsets: readonly RemoteToolset[];
  /** The roles that the agent may take on, which may have a model and a voice of their own. */
  readonly roles: Readonly<Record<string, Pick<AgentRole, "llm" | "tts">>>;
}

type Part = AgentService["part"];

/** The part of a service that readiness needs. */
interface Warmable extends Service {
  warm?(signal: AbortSignal): Promise<void>;
}

type Checkable = Pick<Warmable, "provider" | "warm">;

const partsOf = (
  services: { readonly [Name in Exclude<Part, "tools">]?: Warmable | undefined },
): [Part, Warmable][] =>
  Object.entries(services).filter((entry): entry is [Part, Warmable] => entry[1] !== undefined);

/** The most models and voices of roles that are connected to before a call has reached them. */
const mostOfRoles = 8;

/** The longest time that a service may take to tell whether it lets the agent in, in milliseconds. */
const checkTimeoutMs = 5_000;

/** Makes an agent's services ready: connections are made before somebody waits for them. */
export class ServicesReady {
  readonly #context: CallContext;
  readonly #services: Services;
  #toolsKnown: Promise<void> | null = null;

  constructor(context: CallContext, services: Services) {
    this.#context = context;
    this.#services = services;
  }

  /** Resolves when the functions of all servers are known, as far as these can be reached. It begins with the first call. */
  get toolsKnown(): Promise<void> {
    this.#toolsKnown ??= Promise.all(this.#services.toolsets.map((set) => this.#prepare("tools", set))).then(
      () => undefined,
    );
    return this.#toolsKnown;
  }

  /**
   * Prepares the services for a call to come: the first turn then pays no handshake. It begins as the agent joins;
   * earlier, connections would be closed again by the time of the call.
   */
  prepare(): void {
    const { edge, llm, stt, tts } = this.#services;
    void this.toolsKnown;
    const sounds = edge.sound !== false;
    const ofRoles = this.#ofRoles.filter(([part]) => sounds || part !== "tts").slice(0, mostOfRoles);
    for (const [part, service] of [...partsOf(sounds ? { llm, stt, tts } : { llm }), ...ofRoles]) {
      for (const member of membersOf(service)) void this.#prepare(part, member);
    }
  }

  /** Returns the models and the voices that only roles have. */
  get #ofRoles(): [Part, Warmable][] {
    const { llm, tts, roles } = this.#services;
    const own = Object.values(roles).flatMap((role) => partsOf({ llm: role.llm, tts: role.tts }));
    const known = new Set<Warmable | undefined>([llm, tts]);
    return own.filter(([, service]) => !known.has(service) && known.add(service));
  }

  /** Resolves with who does what, and which of them is known not to work, such as for a wrong key, for a rehearsal. */
  async report(): Promise<AgentService[]> {
    const { edge, llm, stt, tts } = this.#services;
    const services = [...partsOf({ llm, stt, tts }), ...this.#ofRoles].map(
      async ([part, service]): Promise<AgentService[]> => {
        const { provider, model } = service;
        const reserve = membersOf(service)
          .slice(1)
          .map((member) => member.provider);
        return [{ part, provider, model, reserve, problem: await this.#check(part, membersOf(service)) }];
      },
    );
    const place = async (): Promise<AgentService> => {
      const { provider } = edge;
      return { part: "edge", provider, model: null, reserve: [], problem: await this.#check("edge", [edge]) };
    };
    const servers = this.#services.toolsets.map(async (set): Promise<AgentService> => {
      const { provider, model } = set;
      return { part: "tools", provider, model, reserve: [], problem: await this.#check("tools", [set]) };
    });
    return [...(await Promise.all(services)).flat(), ...(await Promise.all(servers)), await place()];
  }

  async #prepare(part: Part, service: Warmable): Promise<void> {
    const { signal, log } = this.#context;
    try {
      await service.warm?.(signal);
    } catch (error) {
      if (signal.aborted) return;
      const { provider } = service;
      this.#failed(part, service, error);
      log.warn(
        { event: "connect_ahead_failed", provider, err: plainError(error) },
        "A connection could not be opened ahead",
      );
    }
  }

  /** Resolves with what the first of those that do not work says. */
  async #check(part: Part, members: readonly Checkable[]): Promise<PlainError | null> {
    const { signal } = this.#context;
    const checks = members.map(async (member) => {
      try {
        const warm = member.warm?.(signal) ?? Promise.resolve();
        await within(warm, checkTimeoutMs, `To reach ${member.provider}`);
        return null;
      } catch (error) {
        if (signal.aborted) return null;
        this.#failed(part, member, error);
        return plainError(error);
      }
    });
    return (await Promise.all(checks)).find((problem) => problem !== null) ?? null;
  }

  #failed(part: Part, { provider }: Checkable, error: unknown): void {
    const component = part === "tools" ? "tool" : part;
    this.#context.measure({ kind: "error", component, provider, error: errorKind(error) });
  }
}
