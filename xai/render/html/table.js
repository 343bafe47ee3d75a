// Lets readers sort the rows of a table by a column and filter them by words. Without this
// script the table is all there.
function(box){
  var table=box.querySelector('table'),body=table.tBodies[0],rows=Array.from(body.rows),order=rows,
  bar=document.createElement('div'),find=document.createElement('input'),say=document.createElement('output');
  find.type='search';find.placeholder='Filter rows';find.setAttribute('aria-label','Filter rows');
  bar.className='whybook-bar';bar.append(find,say);box.prepend(bar);
  function show(){
    var q=find.value.trim().toLowerCase(),n=0;
    order.forEach(function(r){r.hidden=q!==''&&r.textContent.toLowerCase().indexOf(q)<0;n+=!r.hidden;body.append(r)});
    say.textContent=q||box.dataset.rest?n+' of '+(box.dataset.rest?'the first ':'')+rows.length+' rows':''}
  find.oninput=show;
  var heads=Array.from(table.tHead.rows[0].cells);
  heads.forEach(function(head,j){
    var b=document.createElement('button'),number=head.className==='whybook-n';
    b.type='button';b.append.apply(b,head.childNodes);
    if(!b.textContent)b.setAttribute('aria-label','Sort by the names of the rows');
    head.append(b);head.setAttribute('aria-sort','none');
    function key(r){var c=r.cells[j];return number?parseFloat(c.dataset.v||c.textContent):c.textContent}
    b.onclick=function(){
      var old=head.getAttribute('aria-sort'),now=old==='none'?'ascending':old==='ascending'?'descending':'none',s=now==='ascending'?1:-1;
      heads.forEach(function(h){h.setAttribute('aria-sort','none')});
      head.setAttribute('aria-sort',now);
      order=rows.slice();
      if(now!=='none')order.sort(function(a,b){
        a=key(a);b=key(b);
        if(!number)return s*a.localeCompare(b,'en',{numeric:true});
        if(isNaN(a)||isNaN(b))return isNaN(a)-isNaN(b);
        return a<b?-s:a>b?s:0});
      show()}});
  show()}
