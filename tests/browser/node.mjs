// The same in Node, as JSON on the standard output.
import { run } from './layer.mjs';

console.log(JSON.stringify(await run()));
