/** A document on its way through a worker. Times are in milliseconds. */
export interface SimulatedJob {
  arrivedAt: number;
  /** work of one core while it has a slot */
  renderMs: number;
  /** while it has a slot and no core works for it */
  idleMs: number;
  /** work of one core once its slot is free again: storing it, the API's share */
  afterMs: number;
  startedAt: number;
}

export interface MachineOptions {
  cores: number;
  slots: number;
  /** from the moment when a slot takes a job until the job has started */
  pickupMs: number;
  /** cores that work for one document, at most: Chromium is several processes */
  parallelism: number;
}

interface Task {
  job: SimulatedJob;
  /** on the machine's own clock of shared work, or in milliseconds if it is only waiting */
  endsAt: number;
  hasSlot: boolean;
}

/** Milliseconds. Work this small is done: what is left is the error of floating point. */
const NOTHING = 1e-4;

/**
 * One worker: slots for jobs, and cores which all that runs shares evenly. What is at work is kept by a
 * clock that runs as fast as each share does, so that a new task changes nobody's end (processor sharing).
 */
export class Machine {
  readonly #options: MachineOptions;
  #now = 0;
  /** milliseconds of work that each task has been given so far */
  #given = 0;
  readonly #working: Task[] = [];
  readonly #waiting: Task[] = [];
  #inSlots = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** As the dispatcher counts: what is only being stored holds the next one back no sooner than twice over. */
  get hasFreeSlot(): boolean {
    const { slots } = this.#options;
    return this.#inSlots < slots && this.#inSlots + this.#afterwards < 2 * slots;
  }

  /** When something changes here next, if nothing comes. */
  get nextAt(): number {
    const left = earliest(this.#working) - this.#given;
    const worked = left === Infinity ? Infinity : this.#now + Math.max(0, left) / this.#rate;
    return Math.min(worked, earliest(this.#waiting));
  }

  start(job: SimulatedJob, now: number): void {
    this.#passTime(now);
    job.startedAt = now + this.#options.pickupMs;
    this.#inSlots++;
    this.#waiting.push({ job, endsAt: job.startedAt + job.idleMs, hasSlot: true });
  }

  /** Everything up to that moment. @returns the jobs that are done by then */
  advance(to: number): SimulatedJob[] {
    this.#passTime(to);
    const done: SimulatedJob[] = [];
    for (const task of takeDue(this.#waiting, to)) this.#work(task, task.job.renderMs);
    for (const task of takeDue(this.#working, this.#given)) {
      if (!task.hasSlot) done.push(task.job);
      else {
        this.#inSlots--;
        this.#work({ ...task, hasSlot: false }, task.job.afterMs);
      }
    }
    return done;
  }

  #work(task: Task, ms: number): void {
    this.#working.push({ ...task, endsAt: this.#given + ms });
  }

  #passTime(to: number): void {
    this.#given += (to - this.#now) * this.#rate;
    this.#now = to;
  }

  get #afterwards(): number {
    return this.#working.length + this.#waiting.length - this.#inSlots;
  }

  /** Milliseconds of work for each task in one millisecond. */
  get #rate(): number {
    const { cores, parallelism } = this.#options;
    return Math.min(parallelism, cores / Math.max(1, this.#working.length));
  }
}

function earliest(tasks: Task[]): number {
  let at = Infinity;
  for (const { endsAt } of tasks) if (endsAt < at) at = endsAt;
  return at;
}

/** Takes those out that end by then. Written for speed: this is where a simulation spends its time. */
function takeDue(tasks: Task[], by: number): Task[] {
  if (earliest(tasks) > by + NOTHING) return [];
  const due = tasks.filter((task) => task.endsAt <= by + NOTHING);
  for (const task of due) tasks.splice(tasks.indexOf(task), 1);
  return due;
}
