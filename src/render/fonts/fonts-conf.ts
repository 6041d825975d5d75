import type { Twin } from './twins.ts';

interface FontsConf {
  /** all fonts that are not the system's */
  directory: string;
  /** can be written by the browser */
  cache: string;
  /** the system's configuration, or that of the browser's package; undefined if there is none */
  base: string | undefined;
  /** whether the base says which families `sans-serif` and the like are */
  hasGeneric: boolean;
  twins: readonly Twin[];
}

const SANS = ['Noto Sans', 'Arimo', 'Liberation Sans', 'DejaVu Sans', 'Open Sans'];
/** Otherwise a font for emoji or Japanese may be used for all text, just because it is the first one. */
const GENERIC = {
  'sans-serif': SANS,
  serif: ['Noto Serif', 'Tinos', 'Liberation Serif', 'DejaVu Serif', ...SANS],
  monospace: ['Noto Sans Mono', 'Cousine', 'Liberation Mono', 'DejaVu Sans Mono', ...SANS],
};

/** A configuration of fontconfig, over the system's. */
export function fontsConf({ directory, cache, base, hasGeneric, twins }: FontsConf): string {
  const lines = [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    // The first directories are used before those of the base.
    `<cachedir>${escape(cache)}</cachedir>`,
    `<dir>${escape(directory)}</dir>`,
    ...(base === undefined
      ? ['<dir>/usr/share/fonts</dir>', '<dir>/usr/local/share/fonts</dir>']
      : [`<include ignore_missing="yes">${escape(base)}</include>`]),
    // Not as an alias: Chromium refuses a font of another name, unless that is the first of the names looked for.
    ...twins.map(({ family, twin }) => edit(is(family), `mode="assign" binding="strong"`, twin)),
    ...(hasGeneric ? [] : generic()),
    '</fontconfig>',
  ];
  return `${lines.join('\n')}\n`;
}

/** What has no generic name yet gets `sans-serif`, and each generic name the families that are preferred for it. */
function generic(): string[] {
  const names = Object.keys(GENERIC);
  const none = names.map((name) => is(name, 'qual="all" compare="not_eq"')).join('');
  return [
    edit(none, 'mode="append_last"', 'sans-serif'),
    ...Object.entries(GENERIC).map(
      ([name, families]) => `<alias><family>${name}</family><prefer>${families.map(family).join('')}</prefer></alias>`,
    ),
  ];
}

const is = (name: string, how = '') => `<test name="family" ${how}>${text(name)}</test>`;

const edit = (condition: string, how: string, name: string) =>
  `<match target="pattern">${condition}<edit name="family" ${how}>${text(name)}</edit></match>`;

const family = (name: string) => `<family>${escape(name)}</family>`;
const text = (value: string) => `<string>${escape(value)}</string>`;
const escape = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
