/**
 * Makes pairs of the checkpoints in tests/golden/cases and saves them, with what they compute and write:
 * node --conditions=strided-source assemble.ts <cases> <target>. For check_saved.py.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as zoo from '@strided/bert';
import { manualSeed, tensor } from '@strided/tensor';

const [cases, target] = process.argv.slice(2);
const pairs = [['bert.Model', 'bert.ForMaskedLM'], ['roberta.ForMaskedLM', 'bert.decoder'], ['distilbert.Model', 'roformer.ForMaskedLM'], ['electra.Model', 'ernie.ForMaskedLM']] as const;
const inputIds = tensor([[5, 6, 7, 8], [9, 10, 11, 12]], { dtype: 'int32' });
const attentionMask = tensor([[1, 1, 1, 1], [1, 1, 1, 0]], { dtype: 'int32' });
const labels = tensor([[11, 12, 13], [14, 15, -100]], { dtype: 'int32' });

for (const [encoder, decoder] of pairs) {
  manualSeed(1);
  const pair = await zoo.EncoderDecoderModel.fromEncoderDecoderPretrained(join(cases, encoder), join(cases, decoder), { decoderStartTokenId: 3, padTokenId: 0 });
  const folder = join(target, `${encoder}2${decoder}`);
  await pair.savePretrained(folder);
  const { logits, loss } = pair.forward({ inputIds, attentionMask, labels });
  const sequences = pair.generate({ inputIds, attentionMask, eosTokenId: null, maxNewTokens: 12 });
  const said = { input_ids: inputIds.toArray(), attention_mask: attentionMask.toArray(), labels: labels.toArray(), logits: logits.toArray(), loss: loss?.item(), sequences: sequences.toArray(), initialized: pair.loading?.initialized };
  writeFileSync(join(folder, 'computed.json'), JSON.stringify(said));
}
