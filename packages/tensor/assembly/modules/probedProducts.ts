export * from './products';
export { probe } from '../probe';
