(ns lnn.running
  "A network over the steps of one recording, from zero states: layers, patches, pooling,
  read-out; and the steps themselves: missing values, and long gaps that are walked."
  (:require [clojure.string :as string]
            [lnn.arrays :refer [array linear-of]]
            [lnn.cells :as cells]))

(def ^:private most-sub-steps 32)

;; From rows to steps

(defn start-filling [{:keys [neutral]}]
  {:held neutral, :age (vec (repeat (count neutral) 0.0)), :started false})

(defn- fill
  "Fill what is missing of a row; return [filling x]."
  [{:keys [policy]} {:keys [held age started] :as filling} values units]
  (let [missing (mapv #(Double/isNaN %) values)
        held (mapv #(if %1 %2 %3) missing held values)
        since (if started units 0.0)
        age (mapv #(if %1 (+ %2 since) 0.0) missing age)
        filling (assoc filling :held held :age age :started true)]
    [filling (case policy
               "error" values
               "hold" held
               "mask" (-> held
                          (into (map #(if % 0.0 1.0)) missing)
                          (into (map #(Math/log1p %)) age)))]))

(defn- sub-steps [{:keys [max-step]} units]
  (if (nil? max-step)
    1
    (-> (Math/ceil (- (/ units max-step) 1e-4)) long (max 1) (min most-sub-steps))))

(defn steps-of
  "Make steps of a row: return [filling steps]. The last step :ends the row."
  [rule filling {:keys [scaled units]}]
  (let [[filling x] (fill rule filling scaled units)
        n (sub-steps rule units)]
    [filling (mapv (fn [k] {:x x, :dt (/ units n), :ends (= k (dec n))}) (range n))]))

(defn- all-steps [rule rows]
  (second (reduce (fn [[filling steps] row]
                    (let [[filling more] (steps-of rule filling row)]
                      [filling (into steps more)]))
                  [(start-filling rule) []] rows)))

(defn- rescale
  "Put the channels of a whole sequence on its own scale."
  [{n :n_channels :keys [flat]} steps]
  (let [mean #(/ (reduce + %) (count steps))
        channels (map (fn [k] (map #((:x %) k) steps)) (range n))
        means (mapv mean channels)
        spreads (mapv (fn [values m]
                        (Math/sqrt (+ (mean (map #(* (- % m) (- % m)) values)) (* flat flat))))
                      channels means)
        size (into means (map #(Math/log %)) spreads)
        scaled (fn [x] (-> (mapv #(/ (- %1 %2) %3) (subvec x 0 n) means spreads)
                           (into (subvec x n))
                           (into size)))]
    (mapv #(update % :x scaled) steps)))

;; The network

(defn network
  "Build the functions of a network from a model's fields and arrays."
  [{:keys [layers own_scale patch pooling readout]} arrays]
  (let [weight (array arrays "readout.weight"), bias (array arrays "readout.bias")]
    {:cells (mapv #(cells/cell %1 arrays (str "layers." %2 ".")) layers (range))
     :sizes (mapv cells/state-size layers)
     :neurons (mapv :n_neurons layers)
     :own-scale own_scale
     :patch patch
     :patch-map (when patch (linear-of arrays "patch."))
     :pooling (string/split pooling #"\+")
     :attention (when (= pooling "attention") (linear-of arrays "attention."))
     :read-out (if (= readout "motor")
                 (fn [h] (mapv #(+ (* %1 %2) %3) weight h bias))
                 (linear-of arrays "readout."))}))

(defn start
  "Return the state of a network before the first step."
  [{:keys [sizes neurons attention]}]
  (let [zeros #(vec (repeat % 0.0)), n (peek neurons)]
    {:states (mapv zeros sizes)
     :sums (if attention
             {:weights 0.0, :heaviest ##-Inf, :weighted (zeros n)}
             {:steps 0, :total (zeros n), :largest (vec (repeat n ##-Inf))})
     :before []
     :rows []}))

(defn- add-row
  "Add a row to the patch of a run; return [run x dt complete]."
  [{:keys [patch patch-map]} {:keys [rows] :as run} {:keys [x dt]}]
  (let [{:keys [size reads_gaps]} patch
        run (if (= (count rows) size) (assoc run :before rows :rows []) run)
        row {:x (if reads_gaps (conj x (Math/log1p dt)) x), :dt dt}
        {:keys [before rows] :as run} (update run :rows conj row)
        blank {:x (vec (repeat (count (:x row)) 0.0))}
        filled #(take size (concat % (repeat blank)))
        read (into [] (mapcat :x) (concat (filled before) (filled rows)))]
    [run (patch-map read) (/ (reduce + (map :dt rows)) size) (= (count rows) size)]))

(defn- shown-by [{:keys [neurons]} states]
  (subvec (peek states) 0 (peek neurons)))

(defn- layered [{:keys [cells neurons]} states x dt]
  (second (reduce (fn [[x now] [cell state n]]
                    (let [state (cell x state dt)]
                      [(subvec state 0 n) (conj now state)]))
                  [x []] (map vector cells states neurons))))

(defn- attended
  "Softmax over the steps so far, in sums that never overflow."
  [attention {:keys [weights heaviest weighted]} shown]
  (let [[score] (attention shown)
        most (max score heaviest)
        old (Math/exp (- heaviest most)), own (Math/exp (- score most))]
    {:heaviest most
     :weights (+ (* weights old) own)
     :weighted (mapv #(+ (* %1 old) (* own %2)) weighted shown)}))

(defn- summed [{:keys [attention]} {:keys [steps total largest] :as sums} shown]
  (if attention
    (attended attention sums shown)
    {:steps (inc steps), :total (mapv + total shown), :largest (mapv max largest shown)}))

(defn- features [{:keys [pooling attention] :as network} {:keys [states sums]}]
  (if attention
    (mapv #(/ % (:weights sums)) (:weighted sums))
    (into [] (mapcat {"last" (shown-by network states)
                      "mean" (mapv #(/ % (:steps sums)) (:total sums))
                      "max" (:largest sums)})
          pooling)))

(defn step
  "Take one step of a run: return [run outputs], outputs if the step is asked for them."
  [{:keys [patch read-out] :as network} run {:keys [x dt] :as row} asked]
  (let [[run x dt complete] (if patch (add-row network run row) [run x dt true])]
    (if-not (or complete asked)
      [run nil]
      (let [states (layered network (:states run) x dt)
            sums (summed network (:sums run) (shown-by network states))
            now (assoc run :states states :sums sums)]
        ;; The next row may belong to the same patch, whose step is taken again.
        [(if complete now run) (when asked (read-out (features network now)))]))))

(defn run
  "Run over rows from zero states: return outputs at each, or at the last alone."
  [{:keys [own-scale] :as network} rule rows every-step]
  (let [steps (cond->> (all-steps rule rows) own-scale (rescale own-scale))
        last-step (dec (count steps))
        taken (reductions (fn [[state _] [k row]]
                            (step network state row (if every-step (:ends row) (= k last-step))))
                          [(start network) nil]
                          (map-indexed vector steps))]
    (into [] (keep second) taken)))
