/**
 * The text without the blanks around it that HTTP allows (RFC 9110 §5.6.3): spaces and tabs, and no other white space.
 * In linear time, unlike a pattern that looks for blanks at the end, which a client can make as slow as it likes.
 */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
