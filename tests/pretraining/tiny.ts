import { learnLexicon, MemoryCorpus, sentencesOf, type PretrainOptions } from '@strided/bert';

/** A corpus that a tiny model learns in seconds, and options for one. */
export async function initTiny() {
  const animals = ['cat', 'dog', 'cow', 'hen'];
  const documents = Array.from({ length: 40 }, (_, i) => {
    const animal = animals[i % animals.length];
    return [`the ${animal} sat on the mat .`, `then the ${animal} went to sleep .`, `nobody saw the ${animal} again .`];
  });
  const corpus = MemoryCorpus.fromDocuments(documents, 'tiny');
  const lexicon = await learnLexicon(sentencesOf(corpus), 'wordpiece', 60);
  const options: PretrainOptions = {
    corpus, heldOut: corpus, lexicon, hidden: 16, layers: 1, heads: 2, seqLen: 16, batchSize: 8, steps: 4, dropout: 0.1, heldOutBatches: 4,
  };
  return { options, corpus, lexicon };
}
