import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Server } from 'node:net';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf } from '../kernel/errors.ts';

/**
 * How a browser is kept from the network:
 * - `namespace`: it is in a network of its own, where nothing is but our proxy
 * - `proxy`: it is in our network, and told to go through our proxy only
 */
export type JailKind = 'namespace' | 'proxy';

/** The kernel, or what is installed, does not let us make a network namespace. */
export class NoNamespace extends Error {}

const START_TIMEOUT_MS = 15_000;
/** Where the child has what we give it beside Chromium's own pipes, 3 and 4. */
const NODE_FD = 6;

/** Listens in the new network, hands the listening socket to us, and is gone. */
const LISTENER = `const server = require('node:net').createServer();
server.listen(0, '0.0.0.0', () => process.send({ port: server.address().port }, server, () => {
  server.close();
  process.disconnect();
}));`;

/** For where there is no iproute2: SIOCSIFFLAGS with IFF_UP. */
const LOOPBACK_UP_IN_PERL = `use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 0) or exit 1; my $r = pack("a16 s x14", "lo", 1); ioctl($s, 0x8914, $r) or exit 1`;

/**
 * Runs in the new user and network namespace, with all capabilities in it, until it becomes Chromium, with none.
 * \`$1\` is the listener, the rest is the command. Node comes as an open file: its path may be where this user cannot go.
 */
const INSIDE = `ip link set lo up 2>/dev/null || perl -e '${LOOPBACK_UP_IN_PERL}' 2>/dev/null || { echo 'cannot bring the loopback up: install iproute2' >&2; exit 1; }
/proc/self/fd/${NODE_FD} -e "$1" || exit 1
shift
unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE
exec setpriv --ambient-caps=-all --inh-caps=-all -- "$@" 5<&- ${NODE_FD}<&-`;

export interface Jailed {
  child: ChildProcess;
  /** where the browser's connections arrive, listening in its network */
  server: Server;
  port: number;
}

/**
 * Starts a command in a user and network namespace of its own, which has only a loopback. The one way
 * out is a socket that listens there and is served here: there is no relay that could outlive us.
 * @param options `stdio` has five entries
 * @throws NoNamespace with what was said, if that cannot be done here
 */
export async function spawnJailed(path: string, arguments_: string[], options: SpawnOptions): Promise<Jailed> {
  if (process.platform !== 'linux') throw new NoNamespace('there are network namespaces only on Linux');
  const node = openSync(process.execPath, 'r');
  const child = spawn(
    'unshare',
    ['--user', '--map-current-user', '--keep-caps', '--net', '--', 'sh', '-c', INSIDE, 'sh', LISTENER, path].concat(
      arguments_,
    ),
    { ...options, stdio: [...(options.stdio as ('pipe' | 'ignore')[]), 'ipc', node] },
  );
  closeSync(node);
  let said = '';
  const listen = (data: Buffer) => (said = (said + data.toString()).slice(-500));
  child.stderr?.on('data', listen);
  try {
    return await new Deadline(START_TIMEOUT_MS).race(
      'making a network namespace',
      new Promise<Jailed>((done, failed) => {
        child.once('message', (message: { port: number }, server) =>
          done({ child, server: server as Server, port: message.port }),
        );
        child.once('error', failed);
        child.once('close', () => failed(new Error(said.trim() || 'it ended at once')));
      }),
    );
  } catch (error) {
    child.kill('SIGKILL');
    throw new NoNamespace(messageOf(error), { cause: error });
  } finally {
    child.stderr?.off('data', listen);
  }
}
