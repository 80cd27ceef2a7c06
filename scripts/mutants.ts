/**
 * Small mistakes in a source file: negated conditions, comparisons and numbers that are off by one,
 * dropped statements, and neighboring arguments of one type that are swapped.
 *
 * @module
 */
import { join } from "node:path";
import ts from "typescript";

export interface Mutant {
  /** Relative to the root. */
  file: string;
  /** From 1. */
  line: number;
  /** The whole line, trimmed. */
  source: string;
  start: number;
  /** The source text at `start`. */
  original: string;
  replacement: string;
}

/** Calls whose arguments do not change behavior, and calls whose arguments commute. */
const HARMLESS_REGEXP = /(?:^|\W)(?:console|log)\??\.\w+$|\.(?:describe|meta)$/;
const COMMUTATIVE_REGEXP = /^(?:Math\.(?:min|max|hypot)|says)$/;

/** Each comparison with its negation, and with the one that differs for equal operands. */
const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  "===": ["!=="],
  "!==": ["==="],
  "<": [">=", "<="],
  "<=": [">", "<"],
  ">": ["<=", ">="],
  ">=": ["<", ">"],
};

function isLogical(node: ts.Node): node is ts.BinaryExpression {
  return ts.isBinaryExpression(node) && /^(?:&&|\|\|)$/.test(node.operatorToken.getText());
}

function conditionOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) {
    return node.expression;
  }
  if (ts.isForStatement(node) || ts.isConditionalExpression(node)) return node.condition;
  return isLogical(node) ? node : undefined;
}

/** The operands of `&&` and `||` in a condition. */
function operandsOf(node: ts.Expression): ts.Expression[] {
  if (ts.isParenthesizedExpression(node)) return operandsOf(node.expression);
  return isLogical(node) ? [node.left, node.right].flatMap(operandsOf) : [node];
}

function negated(node: ts.Expression): string[] {
  if (/^(?:true|false)$/.test(node.getText())) return [];
  if (ts.isBinaryExpression(node) && COMPARISONS[node.operatorToken.getText()]) return [];
  const isNot = ts.isPrefixUnaryExpression(node) &&
    node.operator === ts.SyntaxKind.ExclamationToken;
  return [isNot ? node.operand.getText() : `!(${node.getText()})`];
}

const isDroppable = (node: ts.Node) =>
  (ts.isExpressionStatement(node) && !ts.isStringLiteral(node.expression)) ||
  ts.isReturnStatement(node) || ts.isThrowStatement(node) || ts.isBreakOrContinueStatement(node);

/** All mutants of the files, in the order of the source. */
export function mutantsOf(root: string, paths: readonly string[]): Mutant[] {
  // One program, because each checks the types of all imports again.
  const program = ts.createProgram(paths.map((path) => join(root, path)), {
    strict: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  const checker = program.getTypeChecker();
  return paths.flatMap((path) =>
    mutantsIn(path, program.getSourceFile(join(root, path))!, checker)
  );
}

function mutantsIn(path: string, file: ts.SourceFile, checker: ts.TypeChecker): Mutant[] {
  const { text } = file;
  const mutants = new Map<string, Mutant>();

  function replace(first: ts.Node, last: ts.Node, replacements: readonly string[]): void {
    const start = first.getStart();
    const original = text.slice(start, last.end);
    const { line } = file.getLineAndCharacterOfPosition(start);
    const source = text.split("\n")[line]!.trim();
    for (const replacement of replacements) {
      mutants.set(`${start} ${original} ${replacement}`, {
        file: path,
        line: line + 1,
        source,
        start,
        original,
        replacement,
      });
    }
  }

  const typeName = (node: ts.Node) =>
    checker.typeToString(checker.getBaseTypeOfLiteralType(checker.getTypeAtLocation(node)));

  function swapNeighbors(args: readonly ts.Expression[]): void {
    for (const [index, right] of args.entries()) {
      const left = args[index - 1];
      if (left === undefined || left.getText() === right.getText()) continue;
      if (typeName(left) === "any" || typeName(left) !== typeName(right)) continue;
      replace(left, right, [`${right.getText()}, ${left.getText()}`]);
    }
  }

  function visit(node: ts.Node): void {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node)) return;
    const condition = conditionOf(node);
    for (const operand of condition === undefined ? [] : operandsOf(condition)) {
      replace(operand, operand, negated(operand));
    }
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken;
      replace(operator, operator, COMPARISONS[operator.getText()] ?? []);
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) replace(node, node, ["false"]);
    else if (node.kind === ts.SyntaxKind.FalseKeyword) replace(node, node, ["true"]);
    else if (ts.isNumericLiteral(node)) {
      // One more than a large number makes no difference that a test should notice.
      const value = Number(node.text);
      replace(node, node, [`${value < 1_000 ? value + 1 : value * 2}`]);
    } else if (isDroppable(node)) replace(node, node, [";"]);
    else if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
      const callee = node.expression.getText();
      if (HARMLESS_REGEXP.test(callee)) return;
      if (!COMMUTATIVE_REGEXP.test(callee)) swapNeighbors(node.arguments ?? []);
    }
    ts.forEachChild(node, visit);
  }
  visit(file);
  return [...mutants.values()].sort((a, b) => a.start - b.start);
}
