import { FormatError } from '@strided/tensor/errors';

/** @throws FormatError where a file's name would leave the model's folder, on any system */
export function checkFileName(model: string, file: string): string {
  const parts = file.split('/');
  if (/[\\:\0]/.test(file) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new FormatError(`${model}: ${JSON.stringify(file)} is not a file within the model's folder; names are relative, without .. or \\`);
  }
  return file;
}
