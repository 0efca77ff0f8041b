import { describe, expect, it } from 'vitest';
import { lineChart, type LineChartOptions, type LineSeries } from './chart.ts';

const chart = (series: readonly LineSeries[], rest: Partial<LineChartOptions> = {}): string =>
  lineChart({ title: 'Loss', xLabel: 'step', yLabel: 'nats', series, ...rest }).text;
const pathsOf = (page: string): string[] => Array.from(page.matchAll(/<path class="mark[^"]*" d="([^"]*)"/g), ([, d]) => d);

describe('lineChart', () => {
  it('draws points where they belong: x to the right, y up', () => {
    const page = chart([{ name: 'a', tone: 'primary', points: [[0, 0], [5, 10], [10, 5]] }]);
    expect(pathsOf(page)).toEqual(['M0 1000L500 0L1000 500']);
  });

  it('leaves a gap at a value that is not finite, and says so', () => {
    const page = chart([{ name: 'a', tone: 'primary', points: [[0, 0], [1, 10], [2, Number.NaN], [3, 0], [4, Infinity]] }]);
    expect(pathsOf(page)).toEqual(['M0 1000L333.3 0M1000 1000h0']);
    expect(page).toContain('2 values are not finite and not drawn.');
    expect(page.replaceAll('not finite', '')).not.toMatch(/NaN|Infinity/);
  });

  it('draws one value, and points, as dots', () => {
    const page = chart([{ name: 'a', tone: 'primary', points: [[3, 7]] }, { name: 'b', tone: 'secondary', mark: 'points', points: [[3, 7], [3, 7]] }]);
    expect(pathsOf(page)).toEqual(['M500 500h0', 'M500 500h0M500 500h0']);
  });

  it('shows levels in the drawing, the legend and a label, and makes the axis reach them', () => {
    const page = chart([{ name: 'a', tone: 'primary', points: [[0, 1], [1, 2]] }], { levels: [{ name: 'unigram', y: 9.876 }, { name: 'lost', y: Number.NaN }] });
    expect(page).toContain('unigram 9.88</span>');
    expect(page).toContain('</i>unigram</li>');
    expect(page).toContain('>10</span>');
    expect(page).not.toContain('lost');
  });

  it('says that there is nothing to draw', () => {
    for (const points of [[], [[1, Number.NaN]], [[Number.NaN, 1]]] as [number, number][][]) {
      const page = chart([{ name: 'a', tone: 'primary', points }]);
      expect(page).toContain('No values to draw.');
      expect(page).not.toContain('<svg');
    }
  });

  it('has a legend only of what it draws, and escapes every name', () => {
    const page = chart([{ name: '<i>&"', tone: 'primary', points: [[1, 1]] }, { name: 'absent', tone: 'muted', points: [] }], { title: '<b>', xLabel: '"x"', yLabel: "'y'" });
    expect(page).not.toContain('absent');
    expect(page).not.toMatch(/<b>|"x"|'y'/);
    expect(page).toContain('</i>&lt;i&gt;&amp;&quot;</li>');
  });

  it('stays small with very many steps', () => {
    const points = Array.from({ length: 200_000 }, (_, i): [number, number] => [i, Math.sin(i * 7.3)]);
    expect(chart([{ name: 'a', tone: 'primary', points }]).length).toBeLessThan(100_000);
  });

  it('gives the script the values that it draws', () => {
    const page = chart([{ name: 'a', tone: 'primary', points: [[2, 1 / 3], [1, 5], [3, Number.NaN]] }]);
    const data = /data-chart="([^"]*)"/.exec(page)?.[1].replaceAll('&quot;', '"') ?? '';
    expect(JSON.parse(data)).toEqual({ min: 1, max: 2, label: 'step', unit: 'number', curves: [{ name: 'a', tone: 'primary', x: [1, 2], y: [5, 0.333333] }] });
  });
});
