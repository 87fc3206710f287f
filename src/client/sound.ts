import { CallError, microphoneError } from "./call-error.ts";

/** Tells how loud a sound is. */
class Meter {
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  constructor(context: AudioContext) {
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1_024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
  }

  get node(): AudioNode {
    return this.#analyser;
  }

  /** Returns the level of the last 20 ms, from 0 to 1. */
  level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const energy = this.#samples.reduce((sum, sample) => sum + sample * sample, 0);
    return Math.min(1, Math.sqrt(energy / this.#samples.length));
  }
}

/** The constraints of the microphone: the browser takes care of echo, noise and level. */
const voice: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/** A microphone that may be opening. */
export interface OpeningMicrophone {
  /** False where the user only listens and types. */
  readonly wanted: boolean;
  /** Resolves once it is open, and at once where none is wanted. Rejects with a {@link CallError}. */
  readonly open: Promise<void>;
}

/** The sound of the page: the microphone, what is played, and how loud both are. */
export class Sound {
  readonly context: AudioContext;
  readonly #input: Meter;
  readonly #output: Meter;
  readonly #element: HTMLAudioElement;
  #microphone: MediaStream | null = null;
  #source: AudioNode | null = null;
  /** True where the microphone was opened here, and is closed here. */
  #own = false;
  #muted = false;

  /** Makes the sound. Call it while the page handles a click or a key: browsers play nothing before. */
  constructor(element = new Audio()) {
    this.context = new AudioContext({ latencyHint: "interactive" });
    void this.context.resume();
    this.#input = new Meter(this.context);
    this.#output = new Meter(this.context);
    this.#element = element;
  }

  /** Returns the track of the microphone; null where there is none. */
  get track(): MediaStreamTrack | null {
    return this.#microphone?.getAudioTracks()[0] ?? null;
  }

  /** Returns the microphone in the graph of sounds; null where there is none. */
  get source(): AudioNode | null {
    return this.#source;
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    if (this.track) this.track.enabled = !muted;
  }

  /**
   * Opens the microphone, while the rest goes on. Where the user has to be asked, it resolves once the microphone is open, and
   * rejects with a {@link CallError}.
   */
  async open(wanted: boolean | MediaTrackConstraints | MediaStream): Promise<OpeningMicrophone> {
    if (wanted === false) return { wanted: false, open: Promise.resolve() };
    const open = this.#openMicrophone(wanted);
    open.catch(() => undefined);
    if (!(wanted instanceof MediaStream) && !(await isMicrophoneGranted())) await open;
    return { wanted: true, open };
  }

  async #openMicrophone(wanted: true | MediaTrackConstraints | MediaStream): Promise<void> {
    if (wanted instanceof MediaStream) this.#microphone = wanted;
    else {
      if (!navigator.mediaDevices)
        throw new CallError("insecure_page", "Browsers have a microphone at HTTPS and localhost only.");
      try {
        const audio = wanted === true ? voice : { ...voice, ...wanted };
        this.#microphone = await navigator.mediaDevices.getUserMedia({ audio });
      } catch (error) {
        throw microphoneError(error);
      }
      this.#own = true;
    }
    // The call was ended while the user was asked.
    if (this.context.state === "closed") {
      this.#stop();
      return;
    }
    this.#source = this.context.createMediaStreamSource(this.#microphone);
    this.#source.connect(this.#input.node);
    this.muted = this.#muted;
  }

  /** Plays a track that comes over the network. Returns what ends it, unless something else is played by then. */
  playTrack(track: MediaStreamTrack): () => void {
    const stream = new MediaStream([track]);
    this.#element.srcObject = stream;
    // It is refused where nobody has touched the page: it plays once somebody has.
    this.#element
      .play()
      .catch(() => addEventListener("pointerdown", () => void this.#element.play(), { once: true }));
    return this.#show(this.context.createMediaStreamSource(stream), stream);
  }

  /** Plays what a node gives. Returns what ends it. */
  playNode(node: AudioNode): () => void {
    node.connect(this.context.destination);
    return this.#show(node, null);
  }

  levels(): { readonly microphone: number; readonly agent: number } {
    return { microphone: this.#muted ? 0 : this.#input.level(), agent: this.#output.level() };
  }

  close(): void {
    this.#element.srcObject = null;
    this.#stop();
    void this.context.close();
  }

  #stop(): void {
    if (this.#own) for (const track of this.#microphone?.getTracks() ?? []) track.stop();
    this.#microphone = null;
  }

  #show(node: AudioNode, stream: MediaStream | null): () => void {
    node.connect(this.#output.node);
    return () => {
      node.disconnect();
      if (stream && this.#element.srcObject === stream) this.#element.srcObject = null;
    };
  }
}

/** Returns whether the microphone opens without a question to the user. */
async function isMicrophoneGranted(): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: "microphone" as PermissionName });
    return state === "granted";
  } catch {
    return false;
  }
}
