import type { CaseResult } from './bench.ts';
import { rateOf } from './report.ts';

/** A bench as one SVG picture: for each case a bar for each contestant, as long as its rate. */

const [width, left, right, line, gap] = [860, 250, 110, 18, 34];

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function colour(contestant: string): string {
  return contestant.startsWith('limit') ? '#b8b8b8' : contestant.startsWith('strided') ? '#2a78c8' : '#d98324';
}

export function plot(results: readonly CaseResult[]): string {
  const parts: string[] = [];
  let y = 28;
  for (const result of results) {
    const rates = result.timings.map((timing) => rateOf(result, timing));
    const most = Math.max(...rates);
    parts.push(`<text x="10" y="${y}" font-weight="bold">${escape(result.case)} · ${escape(result.work.unit)}</text>`);
    result.timings.forEach(({ contestant, threads }, i) => {
      const top = y + 8 + i * line;
      const length = Math.max(1, (rates[i] / most) * (width - left - right));
      const name = `${contestant}${threads === 1 ? '' : ` · ${threads} threads`}`;
      parts.push(
        `<text x="${left - 8}" y="${top + 13}" text-anchor="end">${escape(name)}</text>`,
        `<rect x="${left}" y="${top + 2}" width="${length.toFixed(1)}" height="${line - 4}" fill="${colour(contestant)}"/>`,
        `<text x="${(left + length + 6).toFixed(1)}" y="${top + 13}">${Number(rates[i].toPrecision(3))}</text>`,
      );
    });
    y += result.timings.length * line + gap;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y - gap + 24}" font-family="system-ui, sans-serif" font-size="12" fill="#222">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
