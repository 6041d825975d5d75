import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Server } from 'node:net';
import type { Readable } from 'node:stream';
import { collectTail } from '../kernel/collect-tail.ts';
import { Deadline } from '../kernel/deadline.ts';
import { messageOf } from '../kernel/errors.ts';

/**
 * How a browser is isolated from the network:
 * - `namespace`: it runs in its own network namespace, which contains only our proxy
 * - `proxy`: it runs in our network, configured to use only our proxy
 */
export type JailKind = 'namespace' | 'proxy';

/** A network namespace cannot be created on this system. */
export class NoNamespace extends Error {}

const START_TIMEOUT_MS = 15_000;
/** File descriptor of Node in the child, after Chromium's pipes (3 and 4) and the IPC channel (5). */
const NODE_FD = 6;

/** Listens in the new network, sends us the listening socket and exits. */
const LISTENER = `const server = require('node:net').createServer();
server.listen(0, '0.0.0.0', () => process.send({ port: server.address().port }, server, () => {
  server.close();
  process.disconnect();
}));`;

/** For systems without iproute2: SIOCSIFFLAGS with IFF_UP. */
const LOOPBACK_UP_IN_PERL = `use Socket; socket(my $s, AF_INET, SOCK_DGRAM, 0) or exit 1; my $r = pack("a16 s x14", "lo", 1); ioctl($s, 0x8914, $r) or exit 1`;

/**
 * The shell script that runs in the new user and network namespace. It has all capabilities there, and gives them up
 * when it starts Chromium with `exec`. `$1` is the listener, the other arguments are the command. Node is passed as an
 * open file descriptor, because this user may not be allowed to read its path.
 */
const SETUP_SCRIPT = `ip link set lo up 2>/dev/null || perl -e '${LOOPBACK_UP_IN_PERL}' 2>/dev/null || { echo 'cannot bring the loopback up: install iproute2' >&2; exit 1; }
/proc/self/fd/${NODE_FD} -e "$1" || exit 1
shift
unset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE
exec setpriv --ambient-caps=-all --inh-caps=-all -- "$@" 5<&- ${NODE_FD}<&-`;

interface IsolatedProcess {
  child: ChildProcess;
  /** listens in the browser's network */
  server: Server;
  port: number;
}

/**
 * Starts a command in a new user and network namespace, which has only a loopback. Its only network access is a socket
 * that listens there and is served by this process, so no relay can outlive us.
 * @param options `stdio` has five entries
 * @throws NoNamespace with the output of the command, if that is not possible
 */
export async function spawnInNamespace(
  path: string,
  arguments_: string[],
  options: SpawnOptions,
): Promise<IsolatedProcess> {
  if (process.platform !== 'linux') throw new NoNamespace('there are network namespaces only on Linux');
  const node = openSync(process.execPath, 'r');
  const child = spawn(
    'unshare',
    [
      '--user',
      '--map-current-user',
      '--keep-caps',
      '--net',
      '--',
      'sh',
      '-c',
      SETUP_SCRIPT,
      'sh',
      LISTENER,
      path,
    ].concat(arguments_),
    { ...options, stdio: [...(options.stdio as ('pipe' | 'ignore')[]), 'ipc', node] },
  );
  closeSync(node);
  const output = collectTail(child.stderr as Readable);
  try {
    return await new Deadline(START_TIMEOUT_MS).race(
      'making a network namespace',
      new Promise<IsolatedProcess>((done, failed) => {
        child.once('message', (message: { port: number }, server) =>
          done({ child, server: server as Server, port: message.port }),
        );
        child.once('error', failed);
        child.once('close', () => failed(new Error(output().trim() || 'the command ended at once')));
      }),
    );
  } catch (error) {
    child.kill('SIGKILL');
    throw new NoNamespace(messageOf(error), { cause: error });
  }
}
