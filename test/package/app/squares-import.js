import squares from './squares.js';

export default squares;
