import { readFile } from 'node:fs/promises';

const BEGIN = '<!-- found -->';
const END = '<!-- end -->';

const text = (cell) => (typeof cell === 'string' ? cell : cell.ok ? 'ok' : 'FAILED');
const failures = (groups) => groups.flatMap(({ title, rows }) => rows.flatMap((row) =>
  row.filter((cell) => cell.failed).map(({ failed }) => `${title}, ${row[0]}: ${failed}`)));

/** Prints the groups as tables of text, then every failure with its reason, and answers how many there are. */
export function print(groups) {
  for (const { title, head, rows } of groups) {
    const lines = [head, ...rows].map((row) => row.map(text));
    const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
    console.log(`\n${title}`);
    for (const line of lines) console.log(`  ${line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd()}`);
  }
  const failed = failures(groups);
  console.log();
  for (const line of failed) console.log(`FAILED  ${line}`);
  return failed.length;
}

/** Compares a page with what was found, and answers the page as it has to be. */
export function isCurrent(page, groups) {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`the page has no place for what was found: ${BEGIN} … ${END}`);
  const written = `${before}${BEGIN}\n${groups.map(markdown).join('\n')}${END}${after}`;
  return { current: written === page, written };
}

function markdown({ title, head, rows }) {
  const line = (cells) => `| ${cells.map((cell) => text(cell).replaceAll('|', '\\|')).join(' | ')} |\n`;
  return `## ${title}\n\n${line(head)}${line(head.map(() => '---'))}${rows.map(line).join('')}`;
}

/** The versions that are really installed, by package. */
export async function versionsOf(names) {
  const versions = await Promise.all(names.map(async (name) => {
    const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
    return [name, JSON.parse(await readFile(manifest)).version];
  }));
  return Object.fromEntries(versions);
}
