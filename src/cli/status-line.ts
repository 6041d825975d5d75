/** The part of a stream that a line is drawn on. */
interface Screen {
  isTTY?: boolean;
  columns?: number;
  write: (text: string) => unknown;
}

/** Milliseconds between lines where none can be drawn over. */
const EVERY_MS = 5_000;

/** One line that is drawn over itself on a terminal, and written every few seconds elsewhere. Other lines go above it. */
export class StatusLine {
  readonly #screen: Screen;
  readonly #isDrawn: boolean;
  #text: (width?: number) => string = () => '';
  #shown = '';
  #writtenAt = -Infinity;

  constructor(screen: Screen, terminal: string | undefined) {
    this.#screen = screen;
    this.#isDrawn = screen.isTTY === true && terminal !== 'dumb';
  }

  /** @param isUrgent whether it is of interest at once, where lines are written */
  show(text: (width?: number) => string, isUrgent = false): void {
    this.#text = text;
    if (this.#isDrawn) return this.#draw();
    const now = performance.now();
    const line = text();
    if (line === '' || line === this.#shown || (!isUrgent && now - this.#writtenAt < EVERY_MS)) return;
    this.#writtenAt = now;
    this.#shown = line;
    this.#screen.write(`${line}\n`);
  }

  /** Writes a line above it. */
  say(line: string): void {
    if (!this.#isDrawn) return void this.#screen.write(`${line}\n`);
    this.#screen.write(`\r\u001b[K${line}\n`);
    if (this.#shown !== '') this.#draw();
  }

  /** Leaves it as it is, and goes on below. */
  end(): void {
    if (this.#isDrawn && this.#shown !== '') this.#screen.write('\n');
    this.#shown = '';
  }

  #draw(): void {
    this.#shown = this.#text(this.#screen.columns ?? 80);
    this.#screen.write(`\r\u001b[K${this.#shown}`);
  }
}
