/* SPDX-License-Identifier: MIT */
/* Numbers with a fraction: functions of <math.h> at their edges, long double with what both formats hold, <complex.h>, rounding, fpclassify. */
#include "topic.h"
#include <complex.h>
#include <fenv.h>
#include <float.h>
#include <math.h>

/* Not constants for the compiler. */
static volatile double zero = 0, one = 1, half = 0.5, big = 1e300, tiny = 1e-320, sink;

#define D(call) printf("%s = %.14g\n", #call, (double)(call))
#define L(call) printf("%s = %.17Lg\n", #call, (long double)(call))

static void doubles(void)
{
    double inf = one / zero, part, nan = inf - inf;
    int exponent, sign, quotient;

    D(sqrt(2 * one));
    D(cbrt(27 * one));
    D(hypot(3 * one, 4 * one));
    D(pow(2 * one, half));
    D(exp(one));
    D(exp2(10 * one));
    D(expm1(1e-10 * one));
    D(log(10 * one));
    D(log2(8 * one));
    D(log10(1000 * one));
    D(log1p(1e-10 * one));
    D(sin(one));
    D(cos(one));
    D(tan(one));
    D(asin(half));
    D(acos(half));
    D(atan(one));
    D(atan2(one, -one));
    D(sinh(one));
    D(cosh(one));
    D(tanh(one));
    D(asinh(one));
    D(acosh(2 * one));
    D(atanh(half));
    D(erf(half));
    D(erfc(half));
    D(tgamma(5 * one));
    D(lgamma(10 * one));
    D(j0(one));
    D(y0(one));
    D(jn(2, one));
    D(floor(-half));
    D(ceil(-half));
    D(trunc(-1.5 * one));
    D(round(2.5 * one));
    D(rint(2.5 * one));
    D(nearbyint(3.5 * one));
    D(lround(-2.5 * one));
    D(llrint(1.5 * one));
    D(fmod(5.5 * one, 2));
    D(fmod(-5.5 * one, 2));
    D(remainder(5.5 * one, 2));
    D(remquo(7 * one, 2, &quotient));
    D(quotient & 7);
    D(fdim(one, 2));
    D(fmax(nan, one));
    D(fmin(one, nan));
    D(fma(2 * one, 3, 4));
    D(copysign(one, -zero));
    D(nextafter(one, 2));
    D(nexttoward(one, 0));
    D(frexp(10 * one, &exponent));
    D(exponent);
    D(ldexp(half, 4));
    D(scalbn(one, -3));
    D(logb(10 * one));
    D(ilogb(10 * one));
    D(ilogb(zero) < 0);
    D(modf(-2.25 * one, &part));
    D(part);
    D(significand(10 * one));
    D(drem(5 * one, 3));
    D(exp10(2 * one));
    D(lgamma_r(-half, &sign));
    D(sign);
    D(fabs(-zero));
    D(pow(zero, zero));
    D(pow(nan, 0));
    D(pow(-one, half));
    D(sqrt(-one));
    D(log(zero));
    D(log(-one));
    D(fmod(one, zero));
    D(isnan(acos(2 * one)));
    D(atan2(zero, -zero));
    D(exp(1000 * one));
    D(exp(-1000 * one));
    D(inf);
    D(-inf);
    D(nan);
    D(tiny);
    D(big * big);
    D(-zero);
    D(strtod("0x1.8p3", NULL));
    D(strtod("inf", NULL));
    D(strtod("-nan", NULL) != 0);
    D(strtod("1e-400", NULL));
    D(strtod("1e400", NULL));
    errno = 0;
    strtod("1e400", NULL);
    D(errno == ERANGE);
    errno = 0;
    strtod("1e-400", NULL);
    D(errno == ERANGE);
    errno = 0;
    strtod("1e-310", NULL);
    D(errno == ERANGE);
    errno = 0;
    sink = sqrt(-one);
    D(errno == EDOM);
    errno = 0;
    sink = exp(1000 * one);
    D(errno == ERANGE);
    errno = 0;
    sink = pow(zero, -one);
    D(errno == ERANGE);
    D(math_errhandling & MATH_ERREXCEPT);
    D(isnan(nan));
    D(isinf(inf) != 0);
    D(isfinite(big) != 0);
    D(isnormal(tiny));
    D(fpclassify(tiny) == FP_SUBNORMAL);
    D(signbit(-zero) != 0);
    D(isgreater(nan, one));
    D(isunordered(nan, one) != 0);
    printf("a = %a %a %.3a %A\n", one, half, 1.1 * one, 255.5 * one);
    printf("g = %g %g %g %#g %G %.0f %.0e %+.3e\n", 1e5 * one, 1e6 * one, 1e-5 * one, one, 1e-10 * one, 0.5 * one, 15 * one, -one);
    printf("f = %f %F %10.3f|%-10.2f|%010.2f|% .1f|%.20f\n", inf, nan * 0 + fabs(nan), 3.14159 * one, 2.5 * one, -2.5 * one, one, 0.1 * one);
    printf("large = %.0f %.3f %.40g\n", 1e22 * one, 123456789012345678.0 * one, 0.1 * one);
}

static void long_doubles(void)
{
    volatile long double third = one / 4.0L, ten = 10;
    long double part;
    int exponent;

    L(third);
    L(ten / 4);
    L(sqrtl(ten * ten));
    L(powl(ten, 15));
    L(floorl(-third));
    L(fmodl(ten, 4));
    L(frexpl(ten, &exponent));
    L(exponent);
    L(ldexpl(third, 10));
    L(modfl(ten / 4, &part));
    L(part);
    L(strtold("0.25", NULL));
    L(strtold("1e30", NULL));
    L(strtold("0x1.8p-2", NULL));
    L(strtold("inf", NULL));
    L(fabsl(-ten));
    L(roundl(2.5L * one));
    L(truncl(-2.5L * one));
    L(copysignl(ten, -1));
    L(fmal(ten, ten, 1));
    printf("double of a long double = %.15g\n", (double)(third * 3));
    printf("Lf = %Lf %10.2Lf %-10.1Lf| %Le %Lg\n", ten, third, ten, ten, third);
    printf("sinl = %.15Lg %.15Lg %.15Lg %.15Lg\n", sinl(ten), cosl(ten), expl(third), logl(ten));
    D(sizeof(long double));
    D(LDBL_DIG >= DBL_DIG);
    D(LDBL_MAX_EXP);
    D(LDBL_MIN_EXP);
    D((long double)1e4000L > 1e300L);
    long double read = 0;
    D(sscanf("2.5e1000 x", "%Lf", &read)); L(read);
}

static void complexes(void)
{
    double complex z = 3 * one + 4 * one * I, w;

    D(cabs(z));
    D(carg(I * one));
    D(creal(conj(z)));
    D(cimag(conj(z)));
    w = csqrt(-4 * one);
    D(creal(w));
    D(cimag(w));
    w = cexp(I * acos(-1));
    D(creal(w));
    w = cpow(z, 2);
    D(round(creal(w)));
    D(cimag(w));
    w = clog(z);
    D(creal(w));
    w = z / (one + I);
    D(creal(w));
    D(cimag(w));
    w = csin(z);
    D(creal(w));
    w = cproj(z);
    D(creal(w));
}

static void rounding(void)
{
    D(fegetround() == FE_TONEAREST);
    D(fesetround(FE_TONEAREST));
    D(FLT_ROUNDS);
    D(FLT_EVAL_METHOD);
    D(DBL_DIG);
    D(DBL_MANT_DIG);
    D(FLT_DIG);
    D(feclearexcept(FE_ALL_EXCEPT)); D(fesetround(77) != 0);
    D((float)0.1 == 0.1f);
    D((int)2.9 * one);
    D((unsigned char)(int)(300 * one));
    printf("float = %.9g %.9g\n", (double)(0.1f), (double)sinf(1));
    D(sqrtf(2));
    D(powf(2, 10));
}

static void conversions(void)
{
    char text[32];
    int decimal, sign;

    printf("ecvt = %s\n", ecvt(123.456, 5, &decimal, &sign));
    printf("fcvt = %s\n", fcvt(-123.456, 2, &decimal, &sign));
    D(sign != 0);
    printf("gcvt = %s\n", gcvt(0.0001234, 3, text));
    D(atof("12.5xyz"));
    D(atof(""));
    D(abs(-5));
    D(labs(-5L));
    D(llabs(-5LL));
    div_t d = div(-7, 2);
    D(d.quot);
    D(d.rem);
    srand48(5);
    D(drand48());
    D(lrand48());
    D(mrand48());
    unsigned short seed[3] = { 1, 2, 3 };
    D(erand48(seed));
    D(nrand48(seed));
    D(jrand48(seed));
    srand(1);
    int first = rand();
    srand(1);
    D(rand() == first);
    D(RAND_MAX == 2147483647);
    srandom(1);
    long r = random();
    srandom(1);
    D(random() == r);
    unsigned s = 5;
    D(rand_r(&s) >= 0);
}

static void topic(void)
{
    doubles();
    long_doubles();
    complexes();
    rounding();
    conversions();
}
