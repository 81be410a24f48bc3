(ns lnn.cells
  "The equations of the cells, as docu/spec.md of LNN has them. `cell` returns a function
  of an input, a state and a time step, all of them vectors and numbers, that returns the
  new state."
  (:require [lnn.arrays :refer [activations array indices linear linear-of sigmoid softplus]]))

;; LTC

(defn- synapses [arrays prefix]
  {:source (int-array (indices arrays (str prefix "source")))
   :target (int-array (indices arrays (str prefix "target")))
   :weight (double-array (array arrays (str prefix "weight")))
   :sigma (double-array (array arrays (str prefix "sigma")))
   :mu (double-array (array arrays (str prefix "mu")))
   :erev (double-array (array arrays (str prefix "erev")))})

(defn- add-synapses
  "Add what synapses bring in to [currents conductances]."
  [[current conductance] z {:keys [source target weight sigma mu erev]}]
  (let [current (double-array current)
        conductance (double-array conductance)
        z (double-array z)
        ^ints source source, ^ints target target
        ^doubles weight weight, ^doubles sigma sigma, ^doubles mu mu, ^doubles erev erev]
    (dotimes [k (alength source)]
      (let [j (aget target k)
            x (* (aget sigma k) (- (aget z (aget source k)) (aget mu k)))
            open (* (aget weight k) (sigmoid x))]
        (aset current j (+ (aget current j) (* open (aget erev k))))
        (aset conductance j (+ (aget conductance j) open))))
    [current conductance]))

(defn- slope [sums cm]
  (fn [v]
    (let [[current conductance] (sums v)]
      (mapv (fn [i g c v] (/ (- i (* g v)) c)) current conductance cm v))))

(defn- along [v h slope]
  (mapv #(+ %1 (* h %2)) v slope))

(defmulti ^:private unfold
  "Take one step of a solver. `sums` returns currents and conductances at a state."
  (fn [solver _sums _cm _v _h] solver))

(defmethod unfold "semi-implicit" [_ sums cm v h]
  (let [[current conductance] (sums v)]
    (mapv (fn [i g c v] (+ v (/ (* h (- i (* g v))) (+ c (* h g)))))
          current conductance cm v)))

(defmethod unfold "exponential" [_ sums cm v h]
  (let [[current conductance] (sums v)]
    (mapv (fn [i g c v] (- v (* (Math/expm1 (/ (* (- h) g) c)) (- (/ i g) v))))
          current conductance cm v)))

(defmethod unfold "explicit" [_ sums cm v h]
  (along v h ((slope sums cm) v)))

(defmethod unfold "rk4" [_ sums cm v h]
  (let [slope (slope sums cm)
        k1 (slope v)
        k2 (slope (along v (/ h 2) k1))
        k3 (slope (along v (/ h 2) k2))
        k4 (slope (along v h k3))]
    (along v (/ h 6) (mapv #(+ %1 (* 2 %2) (* 2 %3) %4) k1 k2 k3 k4))))

(defn- ltc [{:keys [solver unfolds epsilon]} arrays prefix]
  (let [own #(array arrays (str prefix %))
        gleak (own "gleak")
        leak [(mapv * gleak (own "vleak")) (mapv #(+ % epsilon) gleak)]
        cm (own "cm"), scale (own "input_weight"), shift (own "input_bias")
        sensory (synapses arrays (str prefix "sensory."))
        recurrent (synapses arrays (str prefix "recurrent."))]
    (fn [x v dt]
      (let [drive (add-synapses leak (mapv #(+ (* %1 %2) %3) x scale shift) sensory)
            sums #(add-synapses drive % recurrent)
            h (/ dt unfolds)]
        (nth (iterate #(unfold solver sums cm % h) v) unfolds)))))

;; CfC

(defn- gate [a b dt] (sigmoid (+ (* a dt) b)))

(def ^:private closed-forms
  "The new state of a neuron by mode, from the values of its maps, and its old state."
  {"default" (fn [[f1 f2 a b] _ dt _ _]
               (let [first (Math/tanh f1)]
                 (+ first (* (gate a b dt) (- (Math/tanh f2) first)))))
   "no_gate" (fn [[f1 f2 a b] _ dt _ _]
               (+ (Math/tanh f1) (* (gate a b dt) (Math/tanh f2))))
   "exponential" (fn [[f1 a] h dt _ _]
                   (- h (* (Math/expm1 (- (* dt (softplus a)))) (- (Math/tanh f1) h))))
   "pure" (fn [[f1] _ dt asymptote rate]
            (- asymptote (* asymptote f1 (Math/exp (- (* dt (+ rate (abs f1))))))))})

(defn- closed-form
  "Return the function of neuron, maps, states and time that makes its new state."
  [{:keys [mode n_neurons]} arrays prefix]
  (let [form (closed-forms mode)
        own #(if (= mode "pure") (array arrays (str prefix %)) (vec (repeat n_neurons 0.0)))
        asymptote (own "asymptote"), rate (own "rate")]
    (fn [j maps h dt] (form maps (h j) dt (asymptote j) (rate j)))))

(defn- sources
  "Return for each neuron its synapses: an array of sources and one of weights."
  [arrays prefix n]
  (let [[source target] (map #(indices arrays (str prefix %)) ["source" "target"])
        by-target (group-by first (map vector target source (array arrays (str prefix "weight"))))
        own #(by-target % [])]
    (mapv #(vector (int-array (map second (own %))) (double-array (map peek (own %))))
          (range n))))

(defn- through
  "Sum what comes through synapses."
  ^double [[^ints source ^doubles weight] ^doubles z]
  (areduce source k sum 0.0 (+ sum (* (aget weight k) (aget z (aget source k))))))

(defn- wired-map [arrays prefix n]
  (let [bias (array arrays (str prefix "bias"))
        sensory (sources arrays (str prefix "sensory.") n)
        recurrent (sources arrays (str prefix "recurrent.") n)]
    (fn [j x h]
      (+ (double (bias j)) (through (sensory j) x) (through (recurrent j) h)))))

(defn- wired-cfc [{:keys [maps groups n_neurons] :as layer} arrays prefix]
  (let [maps (mapv #(wired-map arrays (str prefix % ".") n_neurons) maps)
        new-state (closed-form layer arrays prefix)
        ends (reductions + groups)
        order (indices arrays (str prefix "order"))
        groups (mapv #(subvec order (- %1 %2) %1) ends groups)]
    (fn [x h dt]
      ;; Groups are updated in order; each reads those before it anew.
      (let [x (double-array x)]
        (reduce (fn [h group]
                  (let [read (double-array h)
                        now (map (fn [j] (new-state j (mapv #(% j x read) maps) h dt)) group)]
                    (reduce (fn [h [j value]] (assoc h j value)) h (map vector group now))))
                h groups)))))

(defn- dense-cfc [{:keys [maps backbone_layers activation] :as layer} arrays prefix]
  (let [backbone (mapv #(linear-of arrays (str prefix "backbone." % ".")) (range backbone_layers))
        maps (mapv #(linear-of arrays (str prefix % ".")) maps)
        activate (activations activation)
        new-state (closed-form layer arrays prefix)]
    (fn [x h dt]
      (let [z (reduce (fn [z layer] (mapv activate (layer z))) (into x h) backbone)
            values (apply mapv vector (map #(% z) maps))]
        (mapv #(new-state % (values %) h dt) (range (count h)))))))

;; Cells with a second state

(defn- mixed-memory
  "Put a memory in front of a cell; the state is [h, c] as one vector."
  [cell {n :n_neurons} arrays prefix]
  (let [of-x (linear (array arrays (str prefix "memory.input_weight"))
                     (array arrays (str prefix "memory.bias")))
        of-h (linear (array arrays (str prefix "memory.recurrent_weight"))
                     (vec (repeat (* 4 n) 0.0)))]
    (fn [x state dt]
      (let [h (subvec state 0 n), c (subvec state n)
            [g i f o] (map vec (partition n (mapv + (of-x x) (of-h h))))
            c (mapv #(+ (* %1 (sigmoid %2)) (* (Math/tanh %3) (sigmoid %4))) c f g i)
            h (mapv #(* (Math/tanh %1) (sigmoid %2)) c o)]
        (into (cell x h dt) c)))))

(defn- mapped
  "Return the function that maps the input and the state of an LSTM or GRU to its gates."
  [{:keys [reads_time n_neurons]} arrays prefix]
  (let [own #(array arrays (str prefix %))
        of-x (linear (own "input_weight") (own "input_bias"))
        of-h (linear (own "recurrent_weight") (own "recurrent_bias"))]
    (fn [x h dt]
      (map #(map vec (partition n_neurons %))
           [(of-x (if reads_time (conj x dt) x)) (of-h h)]))))

(defn- lstm [{n :n_neurons :keys [time_gates] :as layer} arrays prefix]
  (let [mapped (mapped layer arrays prefix)]
    (fn [x state dt]
      (let [h (subvec state 0 n), c (subvec state n)
            [i f g o] (apply map (partial mapv +) (mapped x h dt))
            power (if time_gates dt 1.0)
            ;; (1 - F^e) / (1 - F), which is e where the gate is open.
            series (fn [f]
                     (if (> f 30)
                       power
                       (/ (- (Math/expm1 (- (* power (softplus (- f))))))
                          (sigmoid (- f)))))
            c (mapv (fn [c i f g]
                      (+ (* c (Math/exp (- (* power (softplus (- f))))))
                         (* (sigmoid i) (Math/tanh g) (series f))))
                    c i f g)]
        (into (mapv #(* (sigmoid %1) (Math/tanh %2)) o c) c)))))

(defn- gru [{:keys [time_gates] :as layer} arrays prefix]
  (let [mapped (mapped layer arrays prefix)]
    (fn [x h dt]
      (let [[[p1 p2 p3] [q1 q2 q3]] (mapped x h dt)
            power (if time_gates dt 1.0)
            fresh (mapv (fn [p1 q1 p3 q3] (Math/tanh (+ p3 (* (sigmoid (+ p1 q1)) q3))))
                        p1 q1 p3 q3)
            kept (mapv #(Math/exp (- (* power (softplus (- (+ %1 %2)))))) p2 q2)]
        (mapv (fn [h n z] (+ n (* z (- h n)))) h fresh kept)))))

(def ^:private kinds
  {"LTC" ltc, "wired CfC" wired-cfc, "CfC" dense-cfc, "LSTM" lstm, "GRU" gru})

(defn cell
  "Return the step of a layer. The first n_neurons values of its state are what others see."
  [{:keys [cell mixed_memory] :as layer} arrays prefix]
  (let [make (or (kinds cell)
                 (throw (ex-info (str "Expected a layer of " (keys kinds) ", got " (pr-str cell)
                                      ". Take a later version of this library.")
                                 {:cell cell})))
        step (make layer arrays prefix)]
    (if mixed_memory (mixed-memory step layer arrays prefix) step)))

(defn state-size [{:keys [cell mixed_memory n_neurons]}]
  (if (or mixed_memory (= cell "LSTM")) (* 2 n_neurons) n_neurons))
