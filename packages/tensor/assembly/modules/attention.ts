export { attention } from '../attention/forward';
export { attentionBackward } from '../attention/backward';
export { attentionBytes } from '../attention/workspace';
