import type { OutputQueue } from "../../audio/playback/output-queue.ts";
import type { QueuedSpeech } from "../../audio/playback/queued-speech.ts";
import { now } from "../../shared/protocol.ts";
import type { CallContext } from "../call/call-context.ts";
import { errorKind } from "../error-kind.ts";
import { ServiceUse } from "../service.ts";
import { type SpeechPiece, SpeechText, type SpeechTextOptions } from "../speech-text/speech-text.ts";
import { withoutMarkup } from "../speech-text/voice-markup.ts";
import type { TTS } from "../tts.ts";
import type { Output, OutputEvents } from "./output.ts";
import {
  characterMs,
  piecesThroughSentence,
  type SpokenPiece,
  type SpokenProgress,
  spokenProgress,
} from "./spoken-progress.ts";

export interface SpeechOutputOptions {
  readonly tts: TTS;
  /** The changes that the text goes through before it is spoken. */
  readonly text: SpeechTextOptions;
  readonly events: OutputEvents;
  readonly queue: OutputQueue;
  readonly openSpeech: (text: string, offset: number) => QueuedSpeech;
}

/** Sentences that are made at the same time: the one that is played, and the one after it. */
const mostAtOnce = 2;

/** The longest sound of one sentence, in milliseconds: a voice that goes on without end would be kept, and heard, without end. */
const mostSoundMs = 300_000;
/** The most sound of a sentence that goes on by itself, in milliseconds. */
const mostLetGoMs = 1_000;

/** A sentence, and its sound where it has any. */
interface Piece {
  readonly spoken: SpeechPiece;
  readonly speech: QueuedSpeech | null;
  /** Ends the making of its sound. */
  readonly cancel: AbortController;
}

/** Words as speech: sentences are spoken while the model still writes, and count as heard when they were played. */
export class SpeechOutput implements Output {
  readonly #context: CallContext;
  readonly #options: SpeechOutputOptions;
  readonly #text: SpeechText;
  readonly #pieces: Piece[] = [];
  /** Sentences that wait for their sound to be made. */
  readonly #waiting: Piece[] = [];
  readonly #making = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
  #cutAt: string | null = null;
  /** All is written. */
  #written = false;
  /** True once nothing is said beyond the sentence at hand. */
  #stopped = false;
  /** The number of pieces that are said, once it is stopped after a sentence. */
  #lastPieces = 0;
  #leftOut = false;

  constructor(context: CallContext, options: SpeechOutputOptions) {
    this.#context = context;
    this.#options = options;
    this.#text = new SpeechText(options.text);
  }

  get heard(): string {
    if (this.#cutAt !== null) return this.#cutAt;
    let heard = "";
    /** Text without sound, which counts as heard with the sound after it, or once all is over. */
    let silent = "";
    for (const { spoken, speech } of this.#pieces) {
      if (speech === null) {
        silent += spoken.source;
        continue;
      }
      const { heardCharacters } = speech.report;
      if (heardCharacters === 0) return heard;
      heard += silent + spoken.source.slice(0, spoken.toSource(heardCharacters));
      silent = "";
      if (heardCharacters < spoken.text.length) return heard;
    }
    return heard + silent;
  }

  get heardMs(): number {
    return this.#pieces.reduce((sum, { speech }) => sum + (speech?.report.heardMs ?? 0), 0);
  }

  get progress(): SpokenProgress {
    return spokenProgress(this.#spokenPieces, this.#written);
  }

  write(text: string, endsSentence = false): void {
    if (this.#over) return;
    for (const piece of this.#text.push(text, endsSentence)) this.#add(piece);
  }

  /** All sound is the voice's. */
  play(): void {}

  flush(): void {
    if (this.#over) return;
    for (const piece of this.#text.flush()) this.#add(piece);
  }

  pause(): void {
    this.#options.queue.pause();
  }

  duck(gain: number): void {
    this.#options.queue.duck(gain);
  }

  resume(): void {
    this.#options.queue.resume();
  }

  async stopAfterSentence(leftMs = 0): Promise<boolean> {
    const count = piecesThroughSentence(this.#spokenPieces);
    this.#leftOut ||= !this.#written || count < this.#pieces.length;
    if (!this.#over) this.#stopAfter(count);
    await (leftMs > 0 ? this.#options.queue.nearlyDrained(leftMs) : this.#options.queue.drained());
    return this.#leftOut;
  }

  letGo(): boolean {
    if (!this.#stopped || this.#cutAt !== null || this.#options.queue.leftMs > mostLetGoMs) return false;
    const said = this.#pieces.slice(0, this.#lastPieces);
    this.#cutAt = said.map(({ spoken }) => spoken.source).join("");
    this.#cancelFrom(this.#lastPieces);
    return true;
  }

  async finish(): Promise<boolean> {
    this.flush();
    this.#written = true;
    while (this.#making.size > 0 && this.#failure === null) await Promise.race(this.#making);
    await this.#options.queue.drained();
    if (this.#failure) throw this.#failure.error;
    return !this.#leftOut;
  }

  cut(): void {
    if (this.#cutAt !== null) return;
    this.#options.queue.cut();
    this.#cutAt = this.heard;
    this.#cancelFrom(0);
  }

  /** Takes in that the first frame of a sentence is with the edge. */
  sounds(speech: QueuedSpeech, at: number): void {
    // It was cut just behind that frame, and the turn is over.
    if (this.#cutAt !== null) return;
    const index = this.#pieces.findIndex((piece) => piece.speech === speech);
    const { events } = this.#options;
    events.firstFrame(at);
    // Text without sound goes with the sentence after it.
    let from = index;
    while (from > 0 && this.#pieces[from - 1]?.speech === null) from -= 1;
    events.heard(
      this.#pieces
        .slice(from, index + 1)
        .map(({ spoken }) => spoken.source)
        .join(""),
    );
  }

  /** Returns whether nothing that is written from here on is heard. */
  get #over(): boolean {
    return this.#cutAt !== null || this.#failure !== null || this.#stopped;
  }

  get #spokenPieces(): SpokenPiece[] {
    return this.#pieces.map(({ spoken: { source: text }, speech }) => {
      if (speech === null) return { text, begun: false, heardMs: 0, durationMs: 0 };
      const { heardMs, sentMs, totalMs, text: spoken } = speech.report;
      const wholeMs = speech.complete ? totalMs : Math.max(totalMs, spoken.length * characterMs);
      return { text, begun: sentMs > 0, heardMs, durationMs: wholeMs };
    });
  }

  #stopAfter(count: number): void {
    this.#stopped = true;
    this.#lastPieces = count;
    const left = this.#pieces.slice(count);
    for (const { speech } of left) if (speech) this.#options.queue.drop(speech);
    this.#cancelFrom(count);
  }

  #add(spoken: SpeechPiece): void {
    const speech = spoken.text.trim() === "" ? null : this.#options.openSpeech(spoken.text, spoken.start);
    const piece = { spoken, speech, cancel: new AbortController() };
    this.#pieces.push(piece);
    if (speech === null) return;
    this.#options.events.firstSentence();
    this.#waiting.push(piece);
    this.#makeNext();
  }

  #makeNext(): void {
    while (this.#making.size < mostAtOnce && this.#failure === null) {
      const piece = this.#waiting.shift();
      if (piece === undefined) return;
      const making = this.#make(piece).finally(() => {
        this.#making.delete(making);
        this.#makeNext();
      });
      this.#making.add(making);
    }
  }

  /** Asks the voice for a sentence, and writes the sound into its place in the queue. */
  async #make(piece: Piece): Promise<void> {
    const { measure } = this.#context;
    const { tts, queue, events } = this.#options;
    const { spoken, speech, cancel } = piece;
    const service = new ServiceUse(this.#context, "tts", tts);
    const { signal } = cancel;
    const previousText = this.#before(speech);
    const nextText = neighbour(this.#waiting[0]);
    const startedAt = now();
    let firstByteAt: number | null = null;
    let audioDurationMs = 0;
    try {
      using _permit = await service.permit(signal);
      const chunks = tts.speak(spoken.text, {
        signal,
        watch: service.watch,
        sampleRate: queue.sampleRate,
        ...(previousText === undefined ? {} : { previousText }),
        ...(nextText === undefined ? {} : { nextText }),
      });
      for await (const chunk of chunks) {
        if (firstByteAt === null) {
          firstByteAt = now();
          events.firstByte();
        }
        audioDurationMs += (chunk.samples.length * 1_000) / chunk.sampleRate;
        speech?.write(chunk);
        if (audioDurationMs > mostSoundMs)
          throw new Error(
            `The voice ${tts.provider} made more than ${mostSoundMs / 1_000} s of sound of one sentence`,
          );
      }
      const latencyMs = firstByteAt === null ? null : firstByteAt - startedAt;
      measure({ kind: "tts", ...service.labels, latencyMs, audioDurationMs, characters: spoken.text.length });
    } catch (error) {
      if (signal.aborted) {
        const characters = spoken.text.length;
        if (audioDurationMs > 0)
          measure({ kind: "tts", ...service.labels, latencyMs: null, audioDurationMs, characters });
        return;
      }
      const { provider } = service.labels;
      measure({ kind: "error", component: "tts", provider, error: errorKind(error) });
      this.#fail(piece, error);
    } finally {
      speech?.end();
    }
  }

  /**
   * Ends the output at a sentence whose sound failed. Sound that was made up to there is still heard, and nothing after it,
   * since words would be missing.
   */
  #fail(piece: Piece, error: unknown): void {
    const { queue, events } = this.#options;
    this.#failure ??= { error };
    this.#cancelFrom(this.#pieces.indexOf(piece) + 1);
    if (piece.speech) queue.breakOff(piece.speech);
    void queue.drained().then(() => events.failed(error));
  }

  #cancelFrom(place: number): void {
    const kept = this.#waiting.filter((piece) => this.#pieces.indexOf(piece) < place);
    this.#waiting.splice(0, Number.POSITIVE_INFINITY, ...kept);
    const reason = new DOMException("The agent was cut short", "AbortError");
    for (const { cancel } of this.#pieces.slice(place)) cancel.abort(reason);
  }

  /** Returns the words just before this sentence, for the melody of the voice. */
  #before(speech: QueuedSpeech | null): string | undefined {
    const index = this.#pieces.findIndex((piece) => piece.speech === speech);
    return neighbour(this.#pieces[index - 1]);
  }
}

/** Returns the words of a neighbour, which tell a sentence its melody. Markup is left out, since it is performed once. */
const neighbour = (piece: Piece | undefined): string | undefined => piece && withoutMarkup(piece.spoken.text);
