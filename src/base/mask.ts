// Takes passwords out of texts that go to a log, an error or a settings table.
//
// It errs towards hiding: in `scheme://user:…@` everything up to the last `@` of the word is taken for the password,
// because people paste passwords that hold `/`, `?` and `@` unencoded.

const inUserInfo = /(:\/\/[^\s:/@]*):\S*@/g
const inParameter = /((?:^|[?&\s;])(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s;]+)/gi

export function maskPasswords(text: string): string {
  return text.replace(inUserInfo, '$1:********@').replace(inParameter, '$1********')
}
