/**
 * The sound of alerts, and the phone's buzz. Made of tones, so that there is nothing to load.
 *
 * A browser is silent until somebody has touched the page, so the sound that was chosen on an earlier
 * visit waits for the first touch as well, and the page says so until then.
 */
import { computed, signal } from '@preact/signals';
import { html } from './gauge.js';

/** One soft tone, two, or the start of a pattern, Hz. */
const TONES = { info: [660], warn: [880, 880], alarm: [988, 740, 988] };
const LOUDNESS = { info: 0.12, warn: 0.3, alarm: 0.6 };
const TONE_S = 0.16;
const STEP_S = 0.24;
/** A tone that begins or ends at once clicks, s. */
const EDGE_S = 0.015;
/** How often an alarm is repeated until somebody has seen it, ms. */
export const REPEAT_MS = 2_000;
/** On, off and on again, ms. */
const BUZZ = { info: [80], warn: [150, 100, 150], alarm: [400, 150, 400] };

/** @typedef {import('../src/core/alert.ts').Severity} Severity */
/** @typedef {'unset' | 'on' | 'off'} Choice */

/**
 * @typedef {object} SoundOptions
 * @property {() => AudioContext} open only called when the page was touched
 * @property {() => boolean} wasTouched
 * @property {() => string | null | undefined} read the choice that was kept
 * @property {(choice: Choice) => unknown} keep
 * @property {(pattern: number[]) => unknown} buzz where the device can
 */

export class Sound {
  /** @type {import('@preact/signals').Signal<Choice>} */
  choice;
  /** `locked`: it is not forbidden, but the browser wants a touch first. */
  state = computed(() => {
    if (this.choice.value === 'off') return 'muted';
    return this.choice.value === 'on' && this.#runs.value ? 'on' : 'locked';
  });
  /** @type {SoundOptions} */
  #options;
  /** @type {AudioContext | undefined} */
  #context;
  #runs = signal(false);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ringing;

  /** @param {SoundOptions} options */
  constructor(options) {
    this.#options = options;
    const kept = options.read();
    this.choice = signal(kept === 'on' || kept === 'off' ? kept : 'unset');
  }

  /** What shows it, and turns it on and off. */
  button() {
    return html`<${SoundButton} sound=${this} />`;
  }

  /** Somebody has touched the button: on with a tone to hear that it works, or off. */
  toggle() {
    const choice = this.state.value === 'on' ? 'off' : 'on';
    this.choice.value = choice;
    this.#options.keep(choice);
    if (choice === 'on') void this.test();
  }

  /** Whether somebody hears it only the person knows. */
  async test() {
    await this.#start();
    this.play('warn');
  }

  /** Somebody may have touched the page: then what was chosen before begins. */
  touched() {
    if (this.choice.value === 'on' && this.#options.wasTouched()) void this.#start();
  }

  /** @param {Severity} severity */
  play(severity) {
    if (this.choice.value === 'off') return;
    // Untouched, a browser buzzes as little as it sounds, and complains.
    if (this.#options.wasTouched()) this.#options.buzz(BUZZ[severity]);
    const context = this.#context;
    if (!context || !this.#runs.value) return;
    for (const [i, hz] of TONES[severity].entries()) {
      const at = context.currentTime + i * STEP_S;
      const gain = context.createGain();
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUDNESS[severity], at + EDGE_S);
      gain.gain.setValueAtTime(LOUDNESS[severity], at + TONE_S - EDGE_S);
      gain.gain.linearRampToValueAtTime(0, at + TONE_S);
      const tone = context.createOscillator();
      tone.frequency.value = hz;
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + TONE_S);
    }
  }

  /**
   * Repeats the alarm until told otherwise.
   * @param {boolean} on
   */
  ring(on) {
    if (on === (this.#ringing !== undefined)) return;
    clearInterval(this.#ringing);
    this.#ringing = on ? setInterval(() => this.play('alarm'), REPEAT_MS) : undefined;
  }

  async #start() {
    this.#context ??= this.#opened();
    // A call on the phone, or its lock, has stopped it.
    if (this.#context.state !== 'running') await this.#context.resume();
    this.#runs.value = this.#context.state === 'running';
  }

  #opened() {
    const context = this.#options.open();
    context.onstatechange = () => {
      this.#runs.value = context.state === 'running';
    };
    return context;
  }
}

/**
 * @param {Pick<SoundOptions, 'read' | 'keep'>} kept the choice of this browser
 */
export function createSound(kept) {
  return new Sound({
    ...kept,
    open: () => new AudioContext(),
    buzz: (pattern) => navigator.vibrate?.(pattern),
    wasTouched: () => navigator.userActivation?.hasBeenActive ?? true,
  });
}

const SOUND_WORDS = { on: 'Sound on', muted: 'Muted', locked: 'Tap to enable sound' };

/** @param {{ sound: Sound }} props */
function SoundButton({ sound }) {
  const state = sound.state.value;
  const toggle = () => sound.toggle();
  return html`
    <button class="sound" type="button" data-state=${state} aria-label=${SOUND_WORDS[state]} onClick=${toggle}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path class="fill" d="M3 9h4l6-5v16l-6-5H3z" />
        <path class="rim" d=${state === 'on' ? 'M16 8.5a5 5 0 0 1 0 7M18.5 6a9 9 0 0 1 0 12' : 'm16 9 6 6m0-6-6 6'} />
      </svg>
      <span>${SOUND_WORDS[state]}</span>
    </button>
  `;
}
