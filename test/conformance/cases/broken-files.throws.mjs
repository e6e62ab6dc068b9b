throw new RangeError('broken by itself');
