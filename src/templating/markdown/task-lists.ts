import type { MarkdownIt, StateCore } from 'markdown-it';

const BOX = /^\[([ xX])\][ \t\u00a0]/;

/** `- [ ] to do`, `- [x] done`: list items with a box before them. */
export function taskLists(md: MarkdownIt): void {
  md.core.ruler.after('inline', 'task_lists', (state: StateCore) => {
    for (const [index, inline] of state.tokens.entries()) {
      const item = state.tokens[index - 2];
      const first = inline.type === 'inline' ? inline.children?.[0] : undefined;
      if (item?.type !== 'list_item_open' || first?.type !== 'text') continue;
      const box = BOX.exec(first.content);
      if (!box) continue;
      item.attrJoin('class', 'task-list-item');
      first.content = first.content.slice(box[0].length - 1);
      const input = new state.Token('task_box', 'input', 0);
      input.attrs = [['type', 'checkbox'], ['disabled', '']]; // prettier-ignore
      if (box[1] !== ' ') input.attrs.push(['checked', '']);
      inline.children?.unshift(input);
    }
  });
}
