// For `node --import`: the process takes itself for one of another platform, which has no /proc, no control groups and,
// if it is Windows, no users by number. What it starts is this platform's all the same.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const platform = process.env.OTHER_PLATFORM ?? 'darwin';
Object.defineProperty(process, 'platform', { value: platform });
if (platform === 'win32') {
  for (const name of ['getuid', 'geteuid', 'getgid', 'getegid', 'getgroups', 'setuid', 'setgid', 'setgroups'])
    Object.defineProperty(process, name, { value: undefined });
}

const isHidden = (path: unknown) => /^\/(proc|sys)(\/|$)/.test(String(path));
const missing = (path: unknown) => Object.assign(new Error(`ENOENT: ${String(path)}`), { code: 'ENOENT' });
for (const name of ['readFileSync', 'readdirSync', 'writeFileSync', 'openSync'] as const) {
  const real = fs[name] as (path: unknown, ...rest: unknown[]) => unknown;
  Object.defineProperty(fs, name, {
    value: (path: unknown, ...rest: unknown[]) => {
      if (isHidden(path)) throw missing(path);
      return real(path, ...rest);
    },
  });
}
for (const name of ['readFile', 'readdir', 'open'] as const) {
  const real = fs.promises[name] as (path: unknown, ...rest: unknown[]) => Promise<unknown>;
  Object.defineProperty(fs.promises, name, {
    value: async (path: unknown, ...rest: unknown[]) => {
      if (isHidden(path)) throw missing(path);
      return real(path, ...rest);
    },
  });
}
syncBuiltinESMExports();
