/**
 * One question for all who ask before it is sent. Nobody gets the answer to a question that was
 * sent before they asked: those who come while one is under way share the next.
 */
export class SingleFlight<T> {
  readonly #send: () => Promise<T>;
  #underWay: Promise<unknown> = Promise.resolve();
  #next: Promise<T> | undefined;

  constructor(send: () => Promise<T>) {
    this.#send = send;
  }

  ask(): Promise<T> {
    this.#next ??= this.#underWay.then(() => {
      this.#next = undefined;
      const answer = this.#send();
      this.#underWay = answer.catch(() => undefined);
      return answer;
    });
    return this.#next;
  }
}
