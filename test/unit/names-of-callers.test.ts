import { expect, it } from 'vitest';
import { messageWithNames, nameOfField } from '../../src/domain/field-names.ts';

const NAMES = {
  'options.width': 'paperWidth',
  'finishing.rotate': 'rotateAngle',
  'finishing.rotate[0].pages': 'rotatePages',
  parts: 'files',
};

it.each([
  ['options.width', 'paperWidth'],
  ['options.widths', 'options.widths'],
  ['finishing.rotate[0].pages', 'rotatePages'],
  ['finishing.rotate[0].angle', 'rotateAngle'],
  ['finishing.rotate[1].pages', 'rotateAngle'],
  ['parts[3].html', 'files'],
  ['part', 'part'],
  ['', ''],
])('the field %j is called %j', (field, name) => {
  expect(nameOfField(field, NAMES)).toBe(name);
});

it.each([
  ['finishing.rotate[0].pages: there is no page 7', 'rotatePages: there is no page 7'],
  [
    'https://a.example could not be reached: options.width: x',
    'https://a.example could not be reached: options.width: x',
  ],
  ['options.width', 'options.width'],
  ['it was: slow', 'it was: slow'],
])('the message %j is %j', (message, named) => {
  expect(messageWithNames(message, NAMES)).toBe(named);
});
