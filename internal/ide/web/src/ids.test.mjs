import assert from 'node:assert/strict';
import test from 'node:test';
import { fill, idsIn, missing, remember } from './ids.js';

const id = (kind, last) => `${kind}_01h455vb4pex5vsknk084sn02${last}`;
const live = { key: () => 'k-1', now: () => 0 };

test('ids are found at any depth, once, and look-alikes are not', () => {
  const answer = { data: { a: { id: id('lst', 'q') }, b: [id('auc', 'r'), id('lst', 'q')], c: 'lst_short', d: `x ${id('ord', 's')}`, e: null } };
  assert.deepEqual(idsIn(answer), [id('lst', 'q'), id('auc', 'r')]);
});

test('the newest answer comes first, and the first of a kind within it', () => {
  let known = remember({}, { x: id('lst', '1') });
  known = remember(known, { list: [id('lst', '2'), id('lst', '3')], o: id('ord', '4') });
  assert.deepEqual(known.lst, [id('lst', '2'), id('lst', '3'), id('lst', '1')]);
  assert.deepEqual(known.ord, [id('ord', '4')]);
  assert.equal(remember(known, { data: { ok: true } }), known);
});

test('an event puts nothing older in front', () => {
  const known = remember({}, id('auc', '5'));
  assert.equal(remember(known, { a: id('auc', '2') }, { isEvent: true }), known);
  assert.deepEqual(remember(known, { a: id('auc', '7'), b: id('ord', '1') }, { isEvent: true }),
    { auc: [id('auc', '7'), id('auc', '5')], ord: [id('ord', '1')] });
});

test('a kind keeps its eight newest', () => {
  let known = {};
  for (const last of '0123456789') known = remember(known, id('lst', last));
  assert.equal(known.lst.length, 8);
  assert.equal(known.lst[0], id('lst', '9'));
});

test('placeholders are filled where something is known', () => {
  const known = { lst: [id('lst', '1')] };
  const variables = { i: { listingId: '{{lst}}', order: '{{ ord }}', key: '{{key}}', n: 3, list: ['{{lst}}'], none: null } };
  const opened = fill(variables, known);
  assert.deepEqual(opened, { i: { listingId: id('lst', '1'), order: '{{ ord }}', key: '{{key}}', n: 3, list: [id('lst', '1')], none: null } });
  assert.deepEqual(missing(fill(opened, known, live)), ['{{ ord }}']);
});

test('keys and times are made when the operation is sent', () => {
  assert.equal(fill('bid-{{key}}', {}, live), 'bid-k-1');
  assert.equal(fill('{{now+90s}}', {}, live), '1970-01-01T00:01:30.000Z');
  assert.equal(fill('{{now}}', {}, live), '1970-01-01T00:00:00.000Z');
  assert.deepEqual(missing({ a: fill('{{now+90s}}', {}) }), ['{{now+90s}}']);
  assert.deepEqual(missing(undefined), []);
});
