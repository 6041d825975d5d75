#!/usr/bin/env node
// This file must parse on any Node, so that an old one prints what it needs, in one sentence.
import { existsSync } from 'node:fs';
import { URL } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`pdfprompt needs Node 22.18 or newer; this is Node ${process.versions.node}.\n`);
  process.exit(1);
}
// A checkout runs its TypeScript directly; the published package has only what tsc made of it.
const source = new URL('../src/cli/main.ts', import.meta.url);
const main = existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url);
void import(main.href);
