// The editor: CodeMirror, with a history for each file.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { css } from '@codemirror/lang-css';
import { javascript } from '@codemirror/lang-javascript';
import { json } from '@codemirror/lang-json';
import { liquid } from '@codemirror/lang-liquid';
import { markdown } from '@codemirror/lang-markdown';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { namesIn } from './data-names.js';

const LANGUAGES = {
  html: liquid,
  liquid,
  md: () => markdown(),
  css: () => css(),
  json: () => json(),
  js: () => javascript(),
  mjs: () => javascript(),
};
const languageOf = (path, names) => LANGUAGES[/\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '']?.(names) ?? [];

const colours = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.tagName, tags.heading],
    color: 'var(--code-word)',
  },
  { tag: [tags.string, tags.attributeValue, tags.special(tags.string), tags.url], color: 'var(--code-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.unit, tags.color, tags.atom], color: 'var(--code-value)' },
  {
    tag: [tags.attributeName, tags.propertyName, tags.className, tags.definition(tags.variableName)],
    color: 'var(--code-name)',
  },
  { tag: [tags.comment, tags.meta, tags.processingInstruction], color: 'var(--soft)' },
  { tag: [tags.heading, tags.strong], fontWeight: '600' },
  { tag: tags.emphasis, fontStyle: 'italic' },
]);

/** `%}` is typed over the one that was added with `{%`. */
const typeOverTagEnd = EditorView.inputHandler.of((view, from, to, text) => {
  const around = view.state.sliceDoc(Math.max(0, from - 1), from + 2);
  const isOver =
    (text === '%' && around.endsWith('%}') && around.length === 3) || (text === '}' && around.startsWith('%}'));
  if (from !== to || !isOver) return false;
  view.dispatch({ selection: { anchor: from + 1 }, userEvent: 'input.type' });
  return true;
});

/** What a comparison of versions needs too. */
export const look = (nonce) => [
  EditorView.cspNonce.of(nonce),
  lineNumbers(),
  highlightSpecialChars(),
  EditorView.lineWrapping,
  syntaxHighlighting(colours),
];

export const languageFor = (path) => languageOf(path);

export class CodeEditor {
  #view;
  #path = '';
  #states = new Map();
  #language = new Compartment();
  #options;

  /** @param {{ parent: HTMLElement, nonce: string, onChange: (path: string, text: string) => void, describedBy: string, data: () => unknown }} options */
  constructor(options) {
    this.#options = options;
    this.#view = new EditorView({ parent: options.parent, state: this.#stateOf('', '') });
  }

  /** Shows a file, where it was left. The text counts, if it differs from what was there. */
  open(path, text) {
    if (this.#path !== '') this.#states.set(this.#path, this.#view.state);
    const known = this.#states.get(path);
    this.#path = path;
    this.#view.setState(known?.doc.toString() === text ? known : this.#stateOf(path, text));
    const names = namesIn(this.#options.data());
    this.#view.dispatch({ effects: this.#language.reconfigure(languageOf(path, names)) });
  }

  focus() {
    this.#view.focus();
  }

  /** @param {{ line?: number, column?: number, message: string }[]} problems of the file that is shown */
  mark(problems) {
    const { state } = this.#view;
    const diagnostics = problems.map(({ line = 1, column, message }) => {
      const { from, to, text } = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
      const start = column === undefined ? from + text.search(/\S|$/) : Math.min(from + column - 1, to);
      return { from: start, to, severity: 'error', message };
    });
    this.#view.dispatch(setDiagnostics(state, diagnostics));
  }

  goTo(line) {
    const { from } = this.#view.state.doc.line(Math.min(Math.max(1, line), this.#view.state.doc.lines));
    this.#view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) });
    this.#view.focus();
  }

  #stateOf(path, doc) {
    const { nonce, onChange, describedBy } = this.#options;
    return EditorState.create({
      doc,
      extensions: [
        look(nonce),
        this.#language.of([]),
        lintGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        typeOverTagEnd,
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        highlightSelectionMatches(),
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter'), // prints
          ...searchKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
          indentWithTab,
        ]),
        EditorView.contentAttributes.of({ 'aria-label': path, 'aria-describedby': describedBy, tabindex: '0' }),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) onChange(path, state.doc.toString());
        }),
      ],
    });
  }
}
