import tseslint from 'typescript-eslint';

// Few rules, each for a fault that the compiler does not see.
export default tseslint.config({
  files: ['ts/**/*.ts', 'test/jest/**/*.ts'],
  extends: [tseslint.configs.base],
  languageOptions: {
    parserOptions: {
      project: ['ts/tsconfig.json', 'ts/demo/tsconfig.json', 'test/tsconfig.json'],
      tsconfigRootDir: import.meta.dirname,
    },
  },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  rules: {
    '@typescript-eslint/no-floating-promises': 'error',
    '@typescript-eslint/no-misused-promises': 'error',
    '@typescript-eslint/await-thenable': 'error',
    '@typescript-eslint/no-explicit-any': 'error',
    '@typescript-eslint/only-throw-error': 'error',
    '@typescript-eslint/consistent-type-imports': 'error',
    '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'eqeqeq': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
  },
});
