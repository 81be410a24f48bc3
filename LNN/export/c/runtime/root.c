/* The square root, by Newton's steps from above. */
static double lnn_root(double x)
{
    double root = x > 1.0 ? x : 1.0;
    if (!(x > 0.0)) return 0.0; /* nor of what is no number */
    for (;;) {
        double next = 0.5 * (root + x / root);
        if (!(next < root)) return root;
        root = next;
    }
}
