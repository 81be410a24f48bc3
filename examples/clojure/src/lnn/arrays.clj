(ns lnn.arrays
  "The named arrays of a model, and what is computed of them: linear maps, sigmoids.")

(defn array
  "Return an array as a vector of doubles. Decimals of float32 are shorter than what
  they stand for, so they are rounded to it."
  [arrays name]
  (let [{:keys [dtype data]} (or (get arrays name)
                                 (throw (ex-info (str "Expected an array " name
                                                      ", got a model without it.")
                                                 {:name name})))
        number (if (= dtype "float32") #(double (float %)) double)]
    (mapv #(if (nil? %) ##NaN (number %)) data)))

(defn indices
  "Return an array of positions."
  [arrays name]
  (mapv long (:data (get arrays name))))

(defn sigmoid ^double [^double x]
  (* 0.5 (+ 1.0 (Math/tanh (* 0.5 x)))))

(defn softplus ^double [^double x]
  (+ (Math/max x 0.0) (Math/log1p (Math/exp (- (Math/abs x))))))

(defn erf
  "The error function, by a series whose terms all have one sign."
  ^double [^double x]
  (if (> (Math/abs x) 6.0)
    (Math/signum x)
    (loop [n 1, term x, sum x]
      (if (> (Math/abs term) (* 1e-17 (Math/abs sum)))
        (let [term (/ (* term 2.0 x x) (inc (* 2.0 n)))]
          (recur (inc n) term (+ sum term)))
        (* (/ 2.0 (Math/sqrt Math/PI)) (Math/exp (- (* x x))) sum)))))

(def activations
  {"lecun_tanh" #(* 1.7159 (Math/tanh (* 0.666 (double %))))
   "tanh" #(Math/tanh (double %))
   "relu" #(Math/max (double %) 0.0)
   "silu" #(* (double %) (sigmoid %))
   "gelu" #(* 0.5 (double %) (inc (erf (/ (double %) (Math/sqrt 2.0)))))})

(defn- dot ^double [^doubles weight ^doubles x]
  (areduce weight k sum 0.0 (+ sum (* (aget weight k) (aget x k)))))

(defn linear
  "Return the function x -> weight @ x + bias."
  [weight bias]
  (let [width (quot (count weight) (count bias))
        rows (mapv double-array (partition width weight))]
    (fn [x]
      (let [x (double-array x)]
        (mapv #(+ (dot %1 x) (double %2)) rows bias)))))

(defn linear-of
  "Return the linear map whose arrays begin with a prefix."
  [arrays prefix]
  (linear (array arrays (str prefix "weight")) (array arrays (str prefix "bias"))))
