// The PDF beside the source: printed again after each pause in typing, one at a time.

import { element } from './dialog.js';

const PAUSE_MS = 250;
/** Until a viewer that was loaded has drawn something; the old page stays that long. */
const DRAW_MS = 150;

export class Preview {
  #print;
  #onState;
  #frames;
  #timer;
  #isRunning = false;
  #isWanted = false;

  /**
   * @param {HTMLElement} frames where the PDF is shown
   * @param {() => Promise<string | undefined>} print prints what is there now; undefined: there is nothing to print
   * @param {(state: { kind: 'busy' } | { kind: 'done', jobId: string, ms: number } | { kind: 'failed', error: unknown }) => void} onState
   */
  constructor(frames, print, onState) {
    this.#frames = frames;
    this.#print = print;
    this.#onState = onState;
  }

  /** Something changed: prints after a pause. */
  changed(pauseMs = PAUSE_MS) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.now(), pauseMs);
  }

  /** Prints at once, or as soon as the print that runs has ended. */
  async now() {
    clearTimeout(this.#timer);
    this.#isWanted = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#once();
    }
    this.#isRunning = false;
  }

  async #once() {
    const startedAt = performance.now();
    this.#onState({ kind: 'busy' });
    try {
      const jobId = await this.#print();
      if (jobId === undefined) return;
      this.#onState({ kind: 'done', jobId, ms: performance.now() - startedAt });
    } catch (error) {
      this.#onState({ kind: 'failed', error });
      if (error.retryAfterSeconds > 0 && !this.#isWanted) this.changed(error.retryAfterSeconds * 1_000);
    }
  }

  /** Shows a PDF in the browser's viewer. The old one stays until the new one is there. */
  show(path, title) {
    const [old] = this.#frames.children;
    if (!navigator.pdfViewerEnabled) return this.#showLink(path);
    const frame = document.createElement('iframe');
    frame.title = title;
    frame.src = `${path}#toolbar=0&navpanes=0&view=FitH`;
    frame.addEventListener(
      'load',
      () => {
        setTimeout(
          () => {
            for (const other of [...this.#frames.children].slice(0, [...this.#frames.children].indexOf(frame)))
              other.remove();
          },
          old ? DRAW_MS : 0,
        );
      },
      { once: true },
    );
    this.#frames.append(frame);
  }

  /** Browsers on phones show a PDF in a tab of its own only. */
  #showLink(path) {
    const link = element('a', { class: 'button main', href: path, target: '_blank', rel: 'noopener' }, 'Open the PDF');
    this.#frames.replaceChildren(
      element('div', { class: 'no-viewer' }, element('p', {}, 'This browser shows PDFs in a tab of their own.'), link),
    );
  }
}
