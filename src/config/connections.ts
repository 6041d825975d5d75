/** What a process does decides what it needs connections for. */
export interface ProcessRole {
  isApi: boolean;
  isWorker: boolean;
  /** uses the embedded Postgres, which it holds a lease on */
  isEmbedded?: boolean;
}

/** Connections of one process. */
export interface ConnectionSplit {
  /** writes, API keys, the worker's claims and results */
  main: number;
  /** reads of one tenant's data; 0 without an API */
  reads: number;
  /** slow background work */
  admin: number;
  /** open as long as the process lives: of the notifier, the worker's lock, the lease of the embedded Postgres */
  sessions: number;
}

/** The smallest `DATABASE_MAX_CONNECTIONS` with at least one connection for each purpose, in any role. */
export const FEWEST_CONNECTIONS = 6;

/** From this total on the slow work gets a second connection. */
const MANY = 12;

/** Divides `DATABASE_MAX_CONNECTIONS` by purpose. @param total at least {@link FEWEST_CONNECTIONS} */
export function splitConnections(total: number, { isApi, isWorker, isEmbedded = false }: ProcessRole): ConnectionSplit {
  const sessions = 1 + Number(isWorker) + Number(isEmbedded);
  const admin = total < MANY ? 1 : 2;
  const rest = total - sessions - admin;
  // Every request looks up its key in the main pool; half of the requests read nothing else.
  const reads = isApi ? Math.max(1, Math.floor(rest / 3)) : 0;
  return { main: rest - reads, reads, admin, sessions };
}

/** How many processes of each kind there are. */
export interface Fleet {
  serve: number;
  work: number;
  /** with the embedded Postgres, or a `DATABASE_URL` */
  up?: number;
}

interface BudgetInput {
  fleet: Fleet;
  /** `DATABASE_MAX_CONNECTIONS` of each process */
  each: number;
  /** behind a pooler only the sessions reach the server; the pooler's own connections are `others` */
  isPooled?: boolean;
  /** connections that the server allows to users without special rights */
  maxConnections: number;
  /** those of them that other programs use */
  others?: number;
}

export interface ConnectionBudget {
  /** what the fleet and one command may open */
  needed: number;
  /** what is left for them */
  available: number;
  /** the largest `DATABASE_MAX_CONNECTIONS` of each process that fits; none does if below {@link FEWEST_CONNECTIONS} */
  largestEach: number;
}

/** Of a command such as `keys create`: its pool, and the check for migrations. */
const COMMAND_CONNECTIONS = 3;

/** Compares the connections that processes may open with those that the server allows. */
export function connectionBudget(input: BudgetInput): ConnectionBudget {
  const { fleet, each, isPooled = false, maxConnections, others = 0 } = input;
  const { serve, work, up = 0 } = fleet;
  const sessionsOf = (role: ProcessRole) => splitConnections(each, role).sessions;
  const needed = isPooled
    ? serve * sessionsOf({ isApi: true, isWorker: false }) + (work + up) * sessionsOf({ isApi: true, isWorker: true })
    : (serve + work + up) * each;
  const available = Math.max(0, maxConnections - others);
  const processes = Math.max(1, serve + work + up);
  return {
    needed: needed + COMMAND_CONNECTIONS,
    available,
    largestEach: Math.max(0, Math.floor((available - COMMAND_CONNECTIONS) / processes)),
  };
}
