/* Declarations of network.h for one precision: included once with real float, once with real double. */

/* Rows that go through one tower together, and what the backward pass needs of them. */
struct REAL(net_pass) {
	enum net_tower tower;
	size_t n, cap;
	real *x;                /* n x d: normalised rows (net_normalise) */
	real *active;           /* n x h: after GELU and dropout */
	real *slope;            /* n x h: derivative of that */
	real *unit;             /* n x e: the embedding */
	real *size;             /* n: length before the unit norm */
	real *d_unit;           /* n x e: gradient of the loss, put there by the caller; the backward pass overwrites it */
	real *d_hidden;         /* n x h */
};

struct REAL(net_work);

/* Room for a pass of up to cap rows; `backward` says whether gradients will be asked for. */
struct REAL(net_pass) *REAL(net_pass_new)(const struct net_shape *s, enum net_tower tower, size_t cap, bool backward);
void REAL(net_pass_free)(struct REAL(net_pass) *p);
struct REAL(net_work) *REAL(net_work_new)(const struct net_shape *s, int threads);
void REAL(net_work_free)(struct REAL(net_work) *w);

/* (x - mean) / sqrt(variance + 1e-5), population variance: all of LayerNorm that holds no parameter. out may be x. */
void REAL(net_normalise)(const real *x, size_t d, real *out);
/* Gain 1; weights and biases uniform in +- 1/sqrt(inputs). With `mirrored` both towers begin alike. */
void REAL(net_start)(const struct net_shape *s, uint64_t seed, bool mirrored, real *p);
/* Embeds the rows of every pass. `dropout` NULL for use after training. */
void REAL(net_forward)(struct REAL(net_work) *w, const real *p, struct REAL(net_pass) *const *pass, int n_passes,
		       const struct net_dropout *dropout);
/* From d_unit of every pass, after net_forward with the same parameters, to the gradient (overwritten; 0 for a tower without a pass). */
void REAL(net_backward)(struct REAL(net_work) *w, const real *p, struct REAL(net_pass) *const *pass, int n_passes, real *gradient);

/*
 * NT-Xent (Chen et al., 2020): n targets and their n drugs, both n x e of unit length; mean cross entropy of
 * finding the own partner by dot product / temperature. Returns the loss; gradients into d_target and d_drug.
 */
double REAL(net_contrast)(struct REAL(net_work) *w, const struct net_contrast *o, size_t n, const real *target, const real *drug,
			  real *d_target, real *d_drug);
/* Mean of max(0, |t - p + 1e-6| - |t - q + 1e-6| + margin) (Euclidean), q the negatives. */
double REAL(net_triplet)(const struct net_shape *s, double margin, size_t n, const real *target, const real *positive,
			 const real *negative, real *d_target, real *d_positive, real *d_negative);

/* Length of the gradient. */
double REAL(net_norm)(const real *g, size_t n, int threads);
/* Step t (from 1) over n parameters, whose gradients are multiplied by `scale` (clipping) first. */
void REAL(net_adamw)(const struct net_adamw *o, uint64_t t, double scale, size_t n, real *p, const real *g, real *m, real *v, int threads);
