// A text field in place of the editor, where that cannot be loaded.

export class PlainEditor {
  #field = document.createElement('textarea');
  #path = '';

  constructor({ parent, onChange, describedBy }) {
    this.#field.spellcheck = false;
    this.#field.setAttribute('aria-describedby', describedBy);
    this.#field.addEventListener('input', () => onChange(this.#path, this.#field.value));
    parent.append(this.#field);
  }

  open(path, text) {
    this.#path = path;
    this.#field.value = text;
    this.#field.setAttribute('aria-label', path);
  }

  focus() {
    this.#field.focus();
  }

  mark(problems) {
    this.#field.toggleAttribute('aria-invalid', problems.length > 0);
  }

  goTo(line) {
    const start = this.#field.value
      .split('\n')
      .slice(0, line - 1)
      .join('\n').length;
    this.#field.focus();
    this.#field.setSelectionRange(start, start);
  }
}
