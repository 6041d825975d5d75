/**
 * Shares one call among all callers that wait for it to begin. Nobody gets the result of a call that began before they
 * asked: callers that come while one is running share the next.
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
