import type { FilterArguments } from './filter-arguments.ts';
import { integerWithin } from './filter-arguments.ts';
import type { OwnFilter } from './filter.ts';
import { format } from './formats.ts';
import { Mistake, suggestion } from './template-failure.ts';

const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));
const DIGITS: [number, number] = [0, 20];
/** A number as text: never made a float, so that no cent is lost. */
const DECIMAL = /^[+-]?\d{1,100}(?:\.\d{1,100})?$/;

/** @throws Mistake */
export function toDecimal(filter: string, value: unknown): Intl.StringNumericLiteral | number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && DECIMAL.test(value.trim())) return value.trim() as Intl.StringNumericLiteral;
  throw new Mistake(
    `${filter}: needs a number, or a number as text such as "1234.50"${value === null ? '; this is null' : ''}`,
  );
}

function digitsOf(filter: string, given: FilterArguments): object {
  const digits = integerWithin(`${filter}: digits`, given.first() ?? given.get('digits'), DIGITS);
  return digits === undefined ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
}

const SIGNS = ['auto', 'always', 'never', 'exceptZero', 'negative'] as const;
const signOf = (given: FilterArguments) => {
  const signDisplay = given.choice('sign', SIGNS);
  return signDisplay === undefined ? {} : { signDisplay };
};

function currencyOf(given: FilterArguments): string {
  const value = given.first() ?? given.get('currency');
  const currency = typeof value === 'string' ? value.toUpperCase() : '';
  if (CURRENCIES.has(currency)) return currency;
  const near = currency.length <= 10 ? suggestion(currency, CURRENCIES) : '';
  throw new Mistake(`money: needs the code of a currency, such as "EUR"${near}`);
}

export const numberFilters: Record<string, OwnFilter> = {
  money: {
    most: 1,
    known: ['currency', 'digits', 'display', 'sign'],
    apply(value, given, { locale }) {
      const currencyDisplay = given.choice('display', ['symbol', 'narrowSymbol', 'code', 'name']) ?? 'symbol';
      const digits = integerWithin('money: digits', given.get('digits'), DIGITS);
      const options = {
        style: 'currency',
        currency: currencyOf(given),
        currencyDisplay,
        ...(digits !== undefined && { minimumFractionDigits: digits, maximumFractionDigits: digits }),
        ...signOf(given),
      };
      return format(Intl.NumberFormat, locale, options).format(toDecimal('money', value));
    },
  },
  number: {
    most: 1,
    known: ['digits', 'sign', 'unit', 'compact'],
    apply(value, given, { locale }) {
      const unit = given.text('unit');
      const options = {
        maximumFractionDigits: 20,
        ...digitsOf('number', given),
        ...signOf(given),
        ...(unit !== undefined && { style: 'unit', unit, unitDisplay: 'short' }),
        ...(given.get('compact') === true && { notation: 'compact', maximumFractionDigits: 1 }),
      };
      return format(Intl.NumberFormat, locale, options).format(toDecimal('number', value));
    },
  },
  percent: {
    most: 1,
    known: ['digits', 'sign'],
    apply(value, given, { locale }) {
      const options = { style: 'percent', maximumFractionDigits: 2, ...digitsOf('percent', given), ...signOf(given) };
      return format(Intl.NumberFormat, locale, options).format(toDecimal('percent', value));
    },
  },
};
