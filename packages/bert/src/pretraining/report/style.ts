import { trusted } from '@strided/nn/charts';

/** The looks of results, filled masks and attention maps. */
export const sectionStyle = trusted(`
.cards,.fills{display:grid;gap:1rem}
.cards{grid-template-columns:repeat(auto-fit,minmax(min(100%,280px),1fr));margin-top:2rem}
.fills{grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr))}
.card{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:1.1rem 1.25rem;min-width:0}
.card h3{font-size:.9rem;font-weight:550;color:var(--muted)}
.figure{font-size:2.4rem;font-weight:650;letter-spacing:-.03em;line-height:1.2;margin:.2rem 0 .35rem}
.figure small{font-size:.85rem;font-weight:400;letter-spacing:0;color:var(--muted)}
.chip{display:inline-block;margin:0 0 .9rem;padding:.12rem .65rem;border-radius:99px;font-size:.82rem;font-weight:550;background:var(--soft);color:var(--muted)}
.chip.good{background:var(--good-ground);color:var(--good)}.chip.bad{background:var(--bad-ground);color:var(--bad)}
.bars{display:grid;grid-template-columns:auto 1fr;gap:.3rem .8rem;margin:0;font-size:.85rem;align-items:center}
.bars dt{color:var(--muted)}
.bars dd{display:grid;grid-template-columns:1fr 4.5em;gap:.8rem;align-items:center;margin:0}
.bars b,.candidates b{text-align:right;font-weight:550}
.bar{display:block;height:8px;border-radius:4px;background:var(--soft);overflow:hidden}
.bar i{display:block;height:100%;border-radius:4px;background:var(--primary)}
.bar.baseline i{background:var(--muted)}
.sentence{margin:0 0 .6rem;font-size:1.05rem;line-height:1.6;overflow-wrap:anywhere}
.sentence .special{color:var(--muted);font-size:.8em}
mark{color:inherit;border-radius:5px;padding:.05em .3em;font-weight:650;background:var(--soft);unicode-bidi:isolate}
mark.first,mark.among{background:var(--good-ground);color:var(--good)}
mark.missed{background:var(--bad-ground);color:var(--bad)}
.truth{margin:0 0 .7rem;font-size:.85rem;color:var(--muted);overflow-wrap:anywhere}
.truth b{color:var(--ink)}
.candidates{list-style:none;margin:0;padding:0;font-size:.9rem}
.candidates li{display:grid;grid-template-columns:minmax(5.5em,9em) 1fr 4em;gap:.8rem;align-items:center;padding:.12rem 0}
.candidates bdi{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.candidates .right{color:var(--good);font-weight:650}
.candidates .right bdi::after{content:" ✓"}
.candidates .right .bar i{background:var(--good)}
.attention{display:grid;gap:1rem;grid-template-columns:minmax(0,1fr)}
.scroll{overflow-x:auto}
.heads{padding:2px}
.layer{display:grid;grid-template-columns:4.2em repeat(var(--heads),minmax(48px,116px));gap:8px;align-items:center;margin-bottom:8px;font-size:.8rem;color:var(--muted)}
.layer button{all:unset;box-sizing:border-box;cursor:pointer;display:block;background:var(--surface);border:1px solid var(--line);border-radius:6px;padding:3px;aspect-ratio:1}
.layer button:hover{border-color:var(--muted)}
.layer button:focus-visible{outline:2px solid var(--ink);outline-offset:2px}
.layer button[aria-pressed=true]{border-color:var(--primary);box-shadow:0 0 0 1.5px var(--primary)}
.layer svg{display:block;width:100%;height:100%}
.heat{stroke:var(--primary);fill:none;shape-rendering:crispEdges}
.map{margin:0;padding:1.1rem 1.25rem;background:var(--surface);border:1px solid var(--line);border-radius:12px;min-width:0}
.map figcaption{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;align-items:baseline;min-height:1.6em}
.map .note{margin:0;overflow-wrap:anywhere}
.large{display:block;touch-action:pan-x pan-y}
.large text{font-size:12.5px;fill:var(--ink);unicode-bidi:isolate}
.large .ground{fill:none;stroke:var(--line)}
.cross{fill:none;stroke:var(--secondary);stroke-width:1.5;pointer-events:none;visibility:hidden}
.ramp{display:flex;align-items:center;gap:.5rem;margin:.5rem 0 0;font-size:.78rem;color:var(--muted)}
.ramp i{width:72px;height:10px;background:linear-gradient(90deg,transparent,var(--primary));opacity:.5}
.ramp i+span+i{opacity:1;background:linear-gradient(90deg,color-mix(in srgb,var(--primary) 50%,transparent),var(--primary))}
@media print{body{background:none}.card,.chart,.map{break-inside:avoid}}
`);
